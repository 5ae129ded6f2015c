#!/usr/bin/env python3
"""What all benchmarks show in the same way: tables on the terminal, JSON files, and plots as SVG, written by hand so that they
need nothing but Python. Run as a program it draws the plots of a benchmark's JSON file. Knows no benchmark; plots.py does."""

import json
import sys
from html import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 58, 58
COLOURS = ("#2060a8", "#d07020", "#3a8a4a", "#a03060", "#7060b0", "#707070")


def table(head, rows, out=sys.stdout):
    """Columns as wide as they need to be; numbers to the right. Floats with what precision tells something."""
    cells = [[str(word) for word in head]] + [[shown(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for number, row in enumerate(cells):
        aligned = (text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths)))
        print("  ".join(aligned).rstrip(), file=out, flush=True)
        if number == 0:
            print("  ".join("-" * width for width in widths), file=out)


def shown(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value)


def write_json(path, values):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.write("\n")


def result_line(name, values):
    """The last line of every benchmark."""
    words = (f"{key}={value:.3f}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items())
    return f"RESULT {name} " + " ".join(words)


def bars(title, unit, values, lines=()):
    """A plot of `values`, pairs of a name and a number. `lines`: pairs too, drawn across as goals or limits."""
    return {"kind": "bars", "title": title, "y": unit, "values": list(values), "lines": list(lines)}


def curves(title, x, y, series, lines=(), log_x=False, marks=()):
    """A plot of `series`, pairs of a name and a list of points. `marks`: pairs of a name and an x, drawn from top to bottom."""
    return {"kind": "curves", "title": title, "x": x, "y": y, "series": list(series), "lines": list(lines), "log_x": log_x,
            "marks": list(marks)}


def ticks(top):
    """Three to six round numbers from 0 on."""
    size = 1.0
    while size * 6 < top:
        size *= 10
    while size * 6 > top * 10:
        size /= 10
    step = next(size * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10) if size * factor * 6 >= top)
    return [step * i for i in range(int(top / step) + 1)]


class Canvas:
    """One plot's part of the picture, `at` pixels from its top."""

    def __init__(self, at, top):
        self.at, self.top, self.parts = at, top or 1, []

    def text(self, x, y, words, anchor="middle", size=12, more=""):
        self.parts.append(f'<text x="{x:.1f}" y="{self.at + y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>'
                          f"{escape(words)}</text>")

    def line(self, x1, y1, x2, y2, colour="#bbb", more=""):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{self.at + y1:.1f}" x2="{x2:.1f}" y2="{self.at + y2:.1f}" '
                          f'stroke="{colour}"{more}/>')

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def frame(self, plot):
        self.text(WIDTH / 2, 22, plot["title"], size=15)
        for value in ticks(self.top):
            self.line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), "#ddd")
            self.text(LEFT - 6, self.y(value) + 4, f"{value:,.10g}", "end", 11)
        middle = (TOP + HEIGHT - BOTTOM) / 2
        self.text(16, middle, plot["y"], more=f' transform="rotate(-90 16 {self.at + middle:.1f})"')
        for name, value in plot["lines"]:
            self.line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), "#c02020", ' stroke-dasharray="6 4"')
            self.text(WIDTH - RIGHT, self.y(value) - 4, name, "end", 11, ' fill="#c02020"')

    def bars(self, plot):
        step = (WIDTH - LEFT - RIGHT) / max(1, len(plot["values"]))
        for i, (name, value) in enumerate(plot["values"]):
            left, height = LEFT + step * (i + 0.15), self.y(0) - self.y(value)
            self.parts.append(f'<rect x="{left:.1f}" y="{self.at + self.y(value):.1f}" width="{step * 0.7:.1f}" '
                              f'height="{height:.1f}" fill="{COLOURS[0]}"/>')
            self.text(left + step * 0.35, self.y(value) - 4, shown(float(value)), size=11)
            for row, word in enumerate(name.split("\n")):
                self.text(left + step * 0.35, HEIGHT - BOTTOM + 15 + 13 * row, word, size=11)

    def curves(self, plot):
        every = [x for _, points in plot["series"] for x, _ in points]
        place = self.scale(every, plot["log_x"])
        for x in sorted(set(every)) if len(set(every)) <= 8 else [min(every), max(every)]:
            self.text(place(x), HEIGHT - BOTTOM + 16, f"{x:,.6g}", size=11)
        self.text(WIDTH / 2, HEIGHT - 12, plot["x"])
        for row, (name, x) in enumerate(plot["marks"]):
            self.line(place(x), TOP, place(x), HEIGHT - BOTTOM, "#888", ' stroke-dasharray="2 3"')
            self.text(place(x) + 3, TOP + 12 + 13 * row, name, "start", 11, ' fill="#555"')
        for i, (name, points) in enumerate(plot["series"]):
            colour = COLOURS[i % len(COLOURS)]
            path = " ".join(f"{place(x):.1f},{self.at + self.y(y):.1f}" for x, y in points)
            self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            if len(points) <= 20:
                self.parts += [f'<circle cx="{place(x):.1f}" cy="{self.at + self.y(y):.1f}" r="3" fill="{colour}"/>'
                               for x, y in points]
            self.text(LEFT + 8 + i * (WIDTH - LEFT - RIGHT) / len(plot["series"]), TOP - 14, "■ " + name, "start", 11,
                      f' fill="{colour}"')

    @staticmethod
    def scale(values, logarithmic):
        import math
        turn = (lambda x: math.log10(max(x, 1))) if logarithmic else float
        low, high = turn(min(values)), turn(max(values))
        return lambda x: LEFT + 10 + (WIDTH - LEFT - RIGHT - 30) * ((turn(x) - low) / (high - low) if high > low else 0.5)


def highest(plot):
    values = [value for _, value in plot["lines"]]
    values += [value for _, value in plot.get("values", ())]
    values += [y for _, points in plot.get("series", ()) for _, y in points]
    return max(values, default=1) * 1.08


def svg(plots):
    """The plots one above the other, as the text of an SVG file."""
    parts = []
    for number, plot in enumerate(plots):
        canvas = Canvas(number * HEIGHT, highest(plot))
        canvas.frame(plot)
        canvas.bars(plot) if plot["kind"] == "bars" else canvas.curves(plot)
        parts += canvas.parts
    height = HEIGHT * len(plots)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def write_plots(path, plots):
    with open(path, "w", encoding="utf-8") as file:
        file.write(svg(plots))


def main():
    import plots
    if len(sys.argv) != 4 or sys.argv[1] not in plots.OF:
        sys.exit(f"usage: report.py NAME JSON SVG, with NAME one of {' '.join(sorted(plots.OF))}")
    with open(sys.argv[2], encoding="utf-8") as file:
        write_plots(sys.argv[3], plots.OF[sys.argv[1]](json.load(file)))


if __name__ == "__main__":
    main()
