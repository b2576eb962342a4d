"""From a cleared order to fills: lifecycle, journal, router."""
