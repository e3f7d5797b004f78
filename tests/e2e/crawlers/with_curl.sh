#!/bin/sh
# A crawler on curl: one page after another, and a pause as long as Retry-After says.
set -eu
url='https://api.x.com/2/tweets/search/recent?query=rain&max_results=100'
head=$(mktemp) && body=$(mktemp)
trap 'rm -f "$head" "$body"' EXIT
posts=0 refused=0 page=0
while [ "$page" -lt "$1" ]; do
    status=$(curl --silent --show-error --compressed --max-time 60 --dump-header "$head" \
        --output "$body" --write-out '%{http_code}' "$url&next_token=page$page")
    case $status in
    200)
        posts=$((posts + $(grep -o '"text"' "$body" | wc -l)))
        page=$((page + 1))
        ;;
    429)
        refused=$((refused + 1))
        sleep "$(tr -d '\r' <"$head" | sed -n 's/^[Rr]etry-[Aa]fter: //p')"
        ;;
    *)
        echo "curl was answered $status" >&2
        exit 1
        ;;
    esac
done
echo "$posts $refused"
