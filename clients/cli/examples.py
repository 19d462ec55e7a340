"""Examples of every command, shown by `--help`, in the command reference and in the man page.

They are written once, here. A test takes each through the parser, so none names an option that is not there.
"""

from __future__ import annotations

import typer

EXAMPLES: dict[str, tuple[str, ...]] = {
    "up": ("sensorforge up --store ~/sensorforge", "sensorforge up --store s3://plant/sensorforge --port 50051"),
    "web": ("sensorforge web --port 8450",),
    "run": (
        "sensorforge run export.csv --profile pump.yaml --out results",
        "sensorforge run jan.csv feb.csv --profile pump.yaml --decimal , --day-first --strategy merge",
        "sensorforge run export.csv --profile pump.yaml --map 'T1=oil_temp:degC' --until map --json",
        "sensorforge run --plan plan.yaml --activate-if-pass --timeout 30m",
    ),
    "demo": ("sensorforge demo", "sensorforge demo --dir try --rows 10000"),
    "doctor": ("sensorforge doctor", "sensorforge doctor --endpoint plant-server:50051 --json"),
    "runs": ("sensorforge runs", "sensorforge runs --machine pump-1 --json", "sensorforge runs last --out results"),
    "watch": ("sensorforge watch", "sensorforge watch last --out results --timeout 1h"),
    "upload": ("sensorforge upload export.csv --profile pump.yaml",),
    "validate": ("sensorforge validate", "sensorforge validate last --missing-share 0.5 --json"),
    "columns": ("sensorforge columns last",),
    "preview": ("sensorforge preview last --rows 20 --offset 1000",),
    "map": ("sensorforge map", "sensorforge map last --map 'Suction Press=suction_pressure:kPa' --map Remark=ignore"),
    "join": ("sensorforge join 3f2a9c 7b01d4 --tolerance 60", "sensorforge join 3f2a9c"),
    "clean": ("sensorforge clean last",),
    "transform": ("sensorforge transform last --rul recompute --split-by run",),
    "seed": ("sensorforge seed last --rows 20000", "sensorforge seed last --seed-data plant-seeds.parquet"),
    "train": ("sensorforge train last", "sensorforge train last --base none --epochs 100"),
    "merge": ("sensorforge merge last --strategy merge --balance-rul",),
    "refine": ("sensorforge refine last", "sensorforge refine last --epochs 100 --detach"),
    "augment": ("sensorforge augment last --rows 50000", "sensorforge augment last --where 'rul<50'"),
    "compare": ("sensorforge compare last", "sensorforge compare last --json"),
    "activate": ("sensorforge activate last --if-pass",),
    "convert": (
        "sensorforge convert export.csv --to parquet --out export.parquet",
        "sensorforge convert tags/*.csv --to csv --out wide.csv --time-zone Europe/Berlin",
        "sensorforge convert odd.txt --to csv --out odd.csv --raw --delimiter ';'",
    ),
    "suggest": ("sensorforge suggest --columns tags.json --profile pump.yaml --json",),
    "datasets list": ("sensorforge datasets list pump-1",),
    "datasets delete": ("sensorforge datasets delete clean/5d41402abc4b --machine pump-1",),
    "models list": ("sensorforge models list pump-1",),
    "models show": ("sensorforge models show default --machine pump-1",),
    "models diff": ("sensorforge models diff 3f2a9c default --machine pump-1",),
    "models rollback": ("sensorforge models rollback pump-1", "sensorforge models rollback pump-1 --to 2"),
    "models history": ("sensorforge models history pump-1",),
    "models activate": ("sensorforge models activate 3f2a9c --machine pump-1 --reason 'better on the new pump'",),
    "models import": ("sensorforge models import tvae.pkl --machine pump-1 --rows 10000 --yes",),
    "models export": ("sensorforge models export default --machine pump-1 --to sdv --out for-sdv",),
    "machines add": ("sensorforge machines add pump.yaml --check", "sensorforge machines add pump.yaml"),
    "machines list": ("sensorforge machines list --json",),
    "machines show": ("sensorforge machines show pump-1",),
    "machines summary": ("sensorforge machines summary",),
    "profile init": ("sensorforge profile init export.csv --machine pump-1 --out pump.yaml",),
    "template list": ("sensorforge template list pump-1",),
    "template save": ("sensorforge template save last",),
    "template delete": ("sensorforge template delete machines/pump-1/templates/5d41402abc4b2a76",),
    "plan init": ("sensorforge plan init last --out plan.yaml",),
}


def add_examples(app: typer.Typer) -> None:
    """Shows each command's examples under its `--help`."""
    for name, command in commands(app).items():
        if name in EXAMPLES and not command.epilog:
            # \b keeps the lines as they are written.
            command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in EXAMPLES[name])


def commands(app: typer.Typer, above: str = "") -> dict[str, typer.models.CommandInfo]:
    """Returns every command of an application by its words: {"models list": ...}."""
    found = {}
    for command in app.registered_commands:
        word = command.name or (command.callback.__name__.strip("_").replace("_", "-") if command.callback else "")
        found[f"{above} {word}".strip()] = command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            found |= commands(group.typer_instance, f"{above} {group.name}".strip())
    return found
