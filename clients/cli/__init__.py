"""`sensorforge`: the workflow without a screen, one subcommand a step.

It promises a stable contract to scripts: data on stdout and nothing else there, progress for people on stderr, exit
codes that say what happened. It stands on `clients.sdk`, knows no service and no Textual.
"""
