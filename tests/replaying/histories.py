"""Small files as people export them."""

HOURS = (0.0490, 0.2558, 0.2315, 0.0840, 0.1537, 0.2468)


def playtime_csv(name: str, rows: int = 60) -> str:
    """Who streamed what for how many hours; of another name, other items."""
    lines = [f"u{row % 6},{name}-item{row % 15},{HOURS[row % 6]}" for row in range(rows)]
    return "\n".join(["user,item,hours", *lines, ""])


QUOTED = '"user","item","hours"\n"u1","Doom, ""II""",1.5\n"u2","multi\nline",2\n'
OBD_HEADER = ",timestamp,item_id,position,click,propensity_score,user_feature_0\n"


def obd_csv(*rows: tuple[str, str, str]) -> str:
    """Rows of the Open Bandit Dataset: time stamp, position, click."""
    lines = [f"{n},{time},{n % 3},{position},{click},0.5,f{n % 2}\n" for n, (time, position, click) in enumerate(rows)]
    return OBD_HEADER + "".join(lines)
