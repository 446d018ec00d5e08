"""Take the README's pictures of the widgets in a real JupyterLab, anew: docs/images/*.png. `make pictures` runs it."""

import io
import secrets
import shutil

from lab_browser import ROOT, browser, command, lab_server, open_lab, open_page, run_all, show_notebook
from PIL import Image

from nsputil.clinic.case_bank import bank
from nsputil.clinic.case_codes import encode

IMAGES = ROOT / "docs" / "images"
#: Picture, notebook, widget, and what is done with it before: the number of a slider, a key, how often; None: play.
PICTURES = [
    ("loss-explorer", "04_worked_examples", "Loss explorer", (0, "ArrowLeft", 60)),
    ("gradient-explorer", "05_the_gradient", "Gradient explorer", (2, "ArrowRight", 30)),
    ("training-player", "07_train_it", "Training player", (0, "PageUp", 5)),
    ("clinic-simulator", "10_the_clinic", "Clinic simulator", None),
]


def save(png, name):
    """Write a picture with few colors, as small as that makes it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"{name}.png", optimize=True)
    print(f"docs/images/{name}.png", picture.size, (IMAGES / f"{name}.png").stat().st_size, "bytes")


def play(page, widget):
    """Play a case of the simulator as far as its first probe: a belief, a prediction, a result."""
    code = encode(next(int(k) for k in bank().rows("test") if bank().cases[k].cause == "false-negatives"))
    widget.get_by_label("Case code").fill(code)
    widget.get_by_role("button", name="Open").click()
    widget.get_by_text(f"Case {code} is on the table").wait_for()
    for group, share in (("healthy", 20), ("weak-ceiling", 60)):
        bar = widget.get_by_label(group, exact=True)
        bar.focus()
        for _ in range(share - int(bar.input_value())):
            page.keyboard.press("ArrowRight")
    widget.get_by_label("Probe", exact=True).select_option(index=0)
    widget.get_by_text("odd", exact=True).click()
    widget.get_by_role("button", name="Run the probe").click()
    widget.locator(".log li").wait_for()


def main():
    """Take all pictures."""
    served = ROOT / "build" / "pictures" / secrets.token_hex(4)
    served.mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", served / "notebooks")
    with lab_server(served) as server, browser() as chromium:
        page = open_page(chromium, 1100, 1100)
        open_lab(page, server)
        command(page, "application:toggle-left-area")
        for name, notebook, label, moves in PICTURES:
            page.set_viewport_size({"width": 1100, "height": 1100 if moves else 2600})
            show_notebook(page, f"notebooks/{notebook}.ipynb")
            run_all(page)
            widget = page.locator(f".nsp-widget[aria-label='{label}']")
            widget.scroll_into_view_if_needed()
            if moves is None:
                play(page, widget)
            else:
                slider, key, times = moves
                widget.locator("input[type=range]").nth(slider).focus()
                for _ in range(times):
                    page.keyboard.press(key)
            page.evaluate("() => document.activeElement.blur()")
            save(widget.screenshot(), name)
    shutil.rmtree(served)


if __name__ == "__main__":
    main()
