"""ocs-bridge: campaign group events in Kafka become Genesys OCS CampaignGroupState notifications."""

__version__ = "0.1.0"
