import re, pytest
from pathlib import Path
from axe_playwright_python.sync_playwright import Axe
from catalog.models import Product

pytestmark = [pytest.mark.browser, pytest.mark.worker]
OUT = Path(".local/screenshots")
OUT.mkdir(parents=True, exist_ok=True)


def shots(page, name):
    for w in (1440, 360):
        page.set_viewport_size({"width": w, "height": 900})
        page.wait_for_timeout(300)
        page.screenshot(path=OUT / f"{name}-{w}.png", full_page=(w == 360))
        r = Axe().run(page)
        for v in r.response["violations"]:
            print(name, w, v["impact"], v["id"], [n["html"][:120] for n in v["nodes"][:3]])
        sw = page.evaluate("document.documentElement.scrollWidth")
        if sw > w:
            print("SCROLLS", name, w, sw)


def test_it(page, coloured_shop):
    p = Product.objects.order_by("pk")[3]
    p.in_stock = False
    p.save()
    p = Product.objects.order_by("-pk")[3]
    p.in_stock = False
    p.list_price = p.price * 2
    p.save()
    u = coloured_shop.url
    page.goto(u + "/")
    shots(page, "grid")
    page.goto(u + "/?category=shoes")
    page.goto(u + "/?search=shoe&in_stock=true")
    shots(page, "search")
    page.goto(u + "/?search=qqqqzzz")
    shots(page, "empty")
    pk = Product.objects.filter(title__startswith="Shoe").first().pk
    page.goto(u + f"/products/{pk}/")
    page.wait_for_timeout(500)
    shots(page, "product")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".why-link").first.focus()
    page.keyboard.press("Enter")
    page.locator(".why-sentence").wait_for()
    shots(page, "why")
    page.goto(u + "/nowhere/")
    shots(page, "notfound")
    page.goto(u + "/colors/?hex=c04a1f")
    shots(page, "colors")
    page.goto(u + "/search/")
    shots(page, "photo")
    photo = next((coloured_shop.folder / "images").iterdir())
    page.locator("#file").set_input_files(photo)
    page.locator("#results .card").first.wait_for()
    page.get_by_role("button", name="Choose a part").click()
    page.wait_for_timeout(1500)
    shots(page, "photo-results")
    print(page.url)
