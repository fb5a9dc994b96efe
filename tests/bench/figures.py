"""A figure, its bar, and how both are printed."""
import dataclasses
import operator

COMPARE = {">=": operator.ge, "<=": operator.le}


@dataclasses.dataclass
class Figure:
    bench: str
    what: str
    value: float
    relation: str  # ">=", "<="; None: for the reader, without a bar
    bar: float
    detail: str

    def passed(self):
        return None if self.relation is None else COMPARE[self.relation](self.value, self.bar)

    def as_dict(self):
        return {**dataclasses.asdict(self), "passed": self.passed()}


def table(figures):
    rows = [("bench", "figure", "value", "bar", "", "measured")]
    for f in figures:
        bar = "" if f.relation is None else f"{f.relation} {f.bar:g}"
        verdict = {True: "PASS", False: "FAIL", None: ""}[f.passed()]
        value = f"{f.value:,.0f}" if f.value == int(f.value) or f.value >= 100 else f"{f.value:.2f}"
        rows.append((f.bench, f.what, value, bar, verdict, f.detail))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    right = (2,)  # the numbers
    return "\n".join("  ".join(cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)
