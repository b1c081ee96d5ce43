// What every page does beside what its HTML does: forms that submit themselves, and photos that came too late.

const RETRIES = [1500, 4000]; // milliseconds: the server makes small pictures when they are first asked for, a few at a time

for (const form of document.querySelectorAll("form[data-submits]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

function again(image) {
  const tried = Number(image.dataset.tried ?? 0);
  if (tried >= RETRIES.length) {
    image.closest(".picture, .stage")?.classList.add("missing");
    return;
  }
  image.dataset.tried = tried + 1;
  setTimeout(() => {
    const { srcset } = image;
    image.srcset = "";
    image.srcset = srcset;
    if (!srcset) image.src = image.currentSrc;
  }, RETRIES[tried]);
}

// Errors of pictures do not bubble. One may have failed before this script ran.
document.addEventListener("error", (event) => { if (event.target instanceof HTMLImageElement) again(event.target); }, true);
for (const image of document.images) if (image.complete && image.naturalWidth === 0 && image.currentSrc) again(image);
