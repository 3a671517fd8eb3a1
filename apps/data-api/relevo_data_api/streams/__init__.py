"""The streams a group can be served from."""

from relevo_data_api.settings import DataApiSettings, StreamName
from relevo_data_api.streams.campaign import Campaign
from relevo_data_api.streams.king_county import KingCounty
from relevo_data_api.streams.stream import Stream


def open_stream(name: StreamName, settings: DataApiSettings) -> Stream:
    """The stream of that name; SourceUnusable where its data is not there."""
    if name == "campaign":
        return Campaign(
            settings.campaign_seed, settings.campaign_scale, settings.batch_rows
        )
    return KingCounty(settings.batch_rows)
