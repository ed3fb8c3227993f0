"""Which signals each dashboard shows, and where."""

from grafana.boards.campaigns import CAMPAIGNS
from grafana.boards.delivery import DELIVERY
from grafana.boards.overview import OVERVIEW
from grafana.boards.resources import RESOURCES

DASHBOARDS = (OVERVIEW, DELIVERY, CAMPAIGNS, RESOURCES)
