"""The dashboards of Grafana, as Python: `python -m grafana` writes the JSON files beside this one.

signals.py  what a signal is: a question, its meaning, unit, queries, and from where on it is bad
alerts.py   thresholds and durations, read from the alerts that the chart ships: they can't differ
health.py, delivery.py, campaigns.py, process.py   the signals
panels.py   how a signal is drawn
dashboard.py   grid, variables, annotations; the export for the public gallery
boards/     which signals each dashboard shows, and where
preview/    pictures of them (`make dashboards-preview`)
"""
