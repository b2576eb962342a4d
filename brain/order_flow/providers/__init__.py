"""Who supplies heatmap and CVD: built in, or from outside by entry point, behind one small protocol."""

from brain.order_flow.providers.guard import Guard
from brain.order_flow.providers.protocol import CvdSnapshot, HeatmapSnapshot, Provider
from brain.order_flow.providers.registry import ProviderUnknown, available, load

__all__ = ["CvdSnapshot", "Guard", "HeatmapSnapshot", "Provider", "ProviderUnknown", "available", "load"]
