"""pictures.py FOLDER TO: the pages' pictures, cut from FOLDER/*.png at 1280 pixels: TO/*.png, each below 150 KB.

Run by tools/dashboards.sh with the Pillow that it has installed.
"""

import sys
from pathlib import Path

from PIL import Image

#: Name -> (picture, height that is kept from the top)
CHOSEN = {
    "overview-healthy": ("ocs-bridge-overview-healthy-1280", 945),
    "overview-receiver-down": ("ocs-bridge-overview-receiver-down-1280", 945),
    "overview-consumer-stopped": ("ocs-bridge-overview-consumer-stopped-1280", 640),
    "campaign-groups": ("ocs-bridge-groups-healthy-1280", 1320),
    "delivery-receiver-down": ("ocs-bridge-delivery-receiver-down-1280", 1290),
}
LIMIT = 150_000  # bytes


def main(folder: Path, to: Path) -> int:
    """-> exit code: 1 if one is too large."""
    to.mkdir(exist_ok=True)
    large = 0
    for name, (source, height) in CHOSEN.items():
        with Image.open(folder / f"{source}.png") as whole:
            cut = whole.convert("RGB").crop((0, 0, whole.width, min(height, whole.height)))
        place = to / f"{name}.png"
        cut.save(place, optimize=True)
        if place.stat().st_size > LIMIT:  # fewer colors: those of small things are kept, gradients get stripes
            cut.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(place, optimize=True)
        size = place.stat().st_size
        print(f"{place.name}: {size} bytes")
        large += size > LIMIT
    return int(large > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
