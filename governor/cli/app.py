"""The verbs. Each reads its options, runs one function, and prints what that returned."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import governor

if TYPE_CHECKING:
    from governor.config import Config

app = typer.Typer(
    name="governor",
    help="Keep a research group's collection of posts under its contract's limit, in any window.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
config_app = typer.Typer(help="The configuration: its schema, and what is in force.")
ca_app = typer.Typer(help="The certificate authority that crawlers must trust.")
app.add_typer(config_app, name="config", no_args_is_help=True)
app.add_typer(ca_app, name="ca", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_named: dict[str, Path | None] = {"config": None}


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"governor {governor.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    config: Annotated[
        Path | None, typer.Option("--config", help="The file to read; else ./governor.toml.")
    ] = None,
    *,
    version: Annotated[  # acts before any verb is looked for
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help="Say which version this is."
        ),
    ] = False,
) -> None:
    del version
    _named["config"] = config


def _load() -> Config:
    from governor import catalogs, zones
    from governor.config import load

    config = load(_named["config"], os.environ, catalogs.names(), zones.names())
    for note in config.notes():
        sys.stderr.write(f"governor: note: {note}\n")
    return config


def _print_json(content: Any) -> None:  # noqa: ANN401  # whatever JSON can say
    typer.echo(json.dumps(content, indent=2))


@app.command()
def init(
    used: Annotated[
        int | None,
        typer.Option(min=0, help="Posts collected in the last window, or this period (default 0)."),
    ] = None,
    drops: Annotated[
        list[str] | None,
        typer.Option(
            "--drop", metavar="NAME", help="Your word that this limit, or contract, binds no more."
        ),
    ] = None,
    *,
    raises: Annotated[
        bool,
        typer.Option("--raise", help="Your word that rules may be as lax as the configuration."),
    ] = False,
    moves: Annotated[
        bool,
        typer.Option("--move", help="Your word that contracts move to the configured ledger."),
    ] = False,
) -> None:
    """Make the state directory, the CA and the ledger; run twice it changes nothing."""
    from governor.cli.initialise import initialise

    done = initialise(_load(), used, moves=moves, raises=raises, drops=tuple(drops or ()))
    for line in asyncio.run(done):
        typer.echo(line)


@app.command()
def run() -> None:
    """Serve until SIGTERM or SIGINT; a second one charges what is under way in full, and goes."""
    from governor.cli.serve import serve

    asyncio.run(serve(_load(), typer.echo))


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Say whether configuration, catalogs, CA, journal and ledger would do; exit 1 if not."""
    from governor.cli.checks import check_all

    findings = asyncio.run(check_all(_load()))
    if as_json:
        _print_json([finding.as_json() for finding in findings])
    else:
        for finding in findings:
            typer.echo(finding.line())
    raise typer.Exit(0 if all(finding.sound for finding in findings) else 1)


@app.command()
def explain(
    method: Annotated[str, typer.Argument(help="As in GET.")],
    url: Annotated[str, typer.Argument(help="The whole URL, quoted for the shell.")],
    body: Annotated[
        str | None,
        typer.Option(metavar="TEXT|@FILE", help="What the request would carry; '' for nothing."),
    ] = None,
    content_type: Annotated[
        str | None, typer.Option(help="The body's; else JSON or a form, by how it begins.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a request would be, ask and cost, and why; exit 1 if it is never served."""
    from governor.cli.explain import body_of
    from governor.cli.explain import explain as explain_one

    told = explain_one(_load(), method, url, body_of(body, content_type))
    if as_json:
        _print_json(told.as_json())
    else:
        for line in told.lines():
            typer.echo(line)
    raise typer.Exit(1 if told.refused else 0)


@app.command()
def verify(
    journal: Annotated[
        list[Path] | None,
        typer.Option(help="A journal or state directory, repeatedly; else the configured one."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Prove from journals alone that no window exceeded its limit; exit 1 if one did."""
    from governor import evidence
    from governor.cli import verify as proving

    named = proving.journals(journal or [_load().ledger.state])
    proof = evidence.prove(named)
    if as_json:
        _print_json(proving.as_json(proof))
    else:
        for line in proving.told(proof):
            typer.echo(line)
    raise typer.Exit(0 if proof.sound else 1)


@app.command()
def restore(
    passed: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Embedded ledger: so much time passed while this machine was off, as in 8h.",
        ),
    ] = None,
) -> None:
    """Give your word that a ledger which was lost whole may open; exit 6 while it does not."""
    from governor.cli.passing import let_pass
    from governor.cli.restore import restore as restore_all
    from governor.config.values import duration_ms
    from governor.errors import UsageError

    if passed is None:
        asyncio.run(restore_all(_load(), typer.echo))
        return
    try:
        passed_ms = duration_ms(passed)
    except ValueError as error:
        raise UsageError(f"--passed: {error}") from error
    asyncio.run(let_pass(_load(), passed_ms, typer.echo))


@app.command()
def retire(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Its id, as `check` shows it.")],
    charged: Annotated[
        int | None,
        typer.Option(min=0, help="The posts it may have cost, if its row was lost (default: all)."),
    ] = None,
    *,
    dead: Annotated[
        bool, typer.Option("--dead", help="Your word that its process has ended for good.")
    ] = False,
) -> None:
    """Give your word that a member is dead: what it held is charged, nobody waits for it."""
    from governor.cli.retire import retire as retire_one

    for line in asyncio.run(retire_one(_load(), member, dead=dead, charged=charged)):
        typer.echo(line)


@app.command()
def env(
    shell: Annotated[
        Literal["sh", "fish", "powershell", "dotenv"], typer.Option(help="Whose syntax to write.")
    ] = "sh",
    for_remote: Annotated[
        str | None, typer.Option(help="The proxy's URL as crawlers on another host reach it.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the exports that route a crawler's shell: eval "$(governor env)"."""
    from governor.cli.exports import local_exports, remote_exports
    from governor.env import render

    config = _load()
    if for_remote is not None:
        typer.echo(remote_exports(config, for_remote, shell), nl=False)
        return
    variables = local_exports(config)
    if as_json:
        _print_json(dict(variables))
    else:
        typer.echo(render(variables, shell), nl=False)


@app.command()
def health() -> None:
    """Ask the running Governor whether it is ready; exit 1 if it is not."""
    from governor.cli.asking import ask

    ready, said = asyncio.run(ask(_load(), "/ready"))
    typer.echo(said.strip())
    raise typer.Exit(0 if ready else 1)


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Show usage and headroom of the running Governor."""
    from governor.cli.asking import ask, table

    ready, said = asyncio.run(ask(_load(), "/status"))
    if not ready:
        typer.echo(said.strip(), err=True)
        raise typer.Exit(1)
    typer.echo(said.strip() if as_json else table(json.loads(said)))


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of governor.toml."""
    from governor.config import schema

    _print_json(schema())


@config_app.command("show")
def config_show() -> None:
    """Print what is in force, without secrets."""
    from governor.config import shown

    _print_json(shown(_load()))


@ca_app.command("show")
def ca_show() -> None:
    """Say where the CA is, when it expires, and the SHA-256 of the bundle to trust."""
    from governor.cli.exports import ca_facts

    _print_json(ca_facts(_load()))


@ca_app.command("export")
def ca_export() -> None:
    """Print the CA's certificate in PEM."""
    from governor.cli.exports import ca_pem

    typer.echo(ca_pem(_load()), nl=False)


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=5, help="How long to watch.")] = 60,
) -> None:
    """Run a platform, Governor and three crawlers on this machine, and judge the outcome."""
    from governor.demo.show import run_demo

    raise typer.Exit(asyncio.run(run_demo(seconds=seconds)))
