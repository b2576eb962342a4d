"""The settings tree: one TOML file for all processes, overridden by the environment; and where everything lives."""

from schemas.settings.home import Home, HomeError
from schemas.settings.load import SettingsError, changed_settings, default_toml, load_settings
from schemas.settings.tree import Settings

__all__ = ["Home", "HomeError", "Settings", "SettingsError", "changed_settings", "default_toml", "load_settings"]
