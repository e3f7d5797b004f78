"""The ledger: what is said to it, the book that answers, and a member's side of the talk."""
