// Photos made small in the browser: a phone's has ten times the bytes that a search looks at.

const SIDE = 1024; // pixels; the network looks at fewer
const QUALITY = 0.9;

/** `{blob, shown}`: the photo as it is sent, and whether this browser can show it. What it cannot read is sent as it is. */
export async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file); // upright, as its EXIF says
  } catch {
    return { blob: file, shown: false };
  }
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // what the server lays transparency onto
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return blob ? { blob, shown: true } : { blob: file, shown: true };
}
