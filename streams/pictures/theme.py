"""Colours and type of all pictures: in pages the browser applies them, in files Vega-Lite's configuration does."""

from streams.pictures.figures import Spec

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito: people who are colour-blind tell these apart, too."""
DARK_PALETTE = ("#56b4e9", "#ff9b52", "#3ec9a0", "#e59ac4", "#f0c04a", "#b9dcf2")
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
TEXT, FAINT, LINE, GROUND = "#1b1e1c", "#555b57", "#d9dbd7", "#ffffff"


def file_config() -> Spec:
    """Configuration of pictures in files: dark text on white, large enough for a slide."""
    axis = {
        "labelColor": TEXT, "titleColor": TEXT, "gridColor": LINE, "domainColor": FAINT, "tickColor": FAINT,
        "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal",
    }  # fmt: skip
    title = {
        "anchor": "start", "frame": "group", "fontSize": 18, "fontWeight": 600, "color": TEXT, "subtitleColor": FAINT,
        "subtitleFontSize": 13, "offset": 14, "subtitlePadding": 6, "lineHeight": 22, "subtitleLineHeight": 17,
    }  # fmt: skip
    return {
        "background": GROUND,
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "header": {"labelColor": TEXT, "titleColor": TEXT},
        "legend": {"labelColor": TEXT, "titleColor": TEXT, "labelFontSize": 13, "titleFontSize": 12},
        "title": title,
        "text": {"color": TEXT},
        "rule": {"color": TEXT},
        "tick": {"color": PALETTE[0]},
        "point": {"color": PALETTE[0]},
        "bar": {"color": PALETTE[0]},
        "range": {"category": list(PALETTE)},
    }
