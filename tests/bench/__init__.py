"""Speed, measured: figures of the real processes beside a floor taken in the same run and placement."""
