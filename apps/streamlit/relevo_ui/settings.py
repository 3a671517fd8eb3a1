"""Settings of the UI alone; the warehouse and the stores are Relevo's own settings."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from relevo.settings import EnvSettings, Settings


class UiSettings(EnvSettings):
    """RELEVO_UI_… variables, or those of a .env file."""

    model_config = SettingsConfigDict(
        env_prefix="RELEVO_UI_", env_file=".env", extra="ignore", frozen=True
    )

    host: str = Field("127.0.0.1", description="the address it listens on")
    port: int = Field(8501, description="the port it listens on")
    apis: dict[str, str] = Field(
        {"prod": "http://127.0.0.1:8989"},
        min_length=1,
        description="the API of each environment, as a JSON object",
    )
    api_key: str = Field(
        "", description="the key that the APIs need as X-API-Key; empty: they need none"
    )
    api_timeout: float = Field(
        10.0, gt=0, description="seconds before an API counts as unavailable"
    )
    mlflow_url: str = Field(
        "", description="MLflow as a browser reaches it; empty: RELEVO_TRACKING_URI"
    )

    def mlflow(self) -> str | None:
        """Where links to MLflow lead; None where it has no pages."""
        url = self.mlflow_url or Settings().tracking
        return url.rstrip("/") if url.startswith("http") else None
