"""The list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sml_agents.cli import (
    ask,
    chat,
    completions,
    demo,
    doctor,
    evaluate,
    export,
    gguf,
    imports,
    mcp,
    merge,
    mine,
    recipes,
    redact,
    report,
    review,
    run,
    serve,
    show,
    tasks,
    train,
    view,
)
from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError

app = typer.Typer(
    name="sml-agents",
    help="Teach language models to learn from a conversation: dialogues, training and evaluation.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    json: JsonFlag = False,
) -> Result:
    if context.invoked_subcommand is None and not version:
        raise InputError("no command is given; sml-agents --help lists them")
    from sml_agents import __version__

    return Result({"version": __version__}, lambda: print(f"sml-agents {__version__}"))


app.command()(demo.demo)
app.command()(run.run)
app.command()(tasks.tasks)
app.command("import")(imports.import_)
app.command()(mine.mine)
app.command()(review.review)
app.command()(redact.redact)
app.command()(export.export)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(train.train)
app.command()(merge.merge)
app.command()(merge.push)
app.command("eval")(evaluate.evaluate)
app.command()(report.report)
app.command()(show.show)
app.command()(view.view)
app.command()(chat.chat)
app.command()(ask.ask)
app.command()(mcp.mcp)
app.command()(serve.serve)
app.command()(gguf.gguf)
app.command()(doctor.doctor)
app.command()(completions.completions)
app.add_typer(recipes.app, name="recipes")
