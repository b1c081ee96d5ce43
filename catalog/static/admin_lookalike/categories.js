// The arrows of the category tree are drawn by another script, without a name.

const name = () => {
  for (const link of document.querySelectorAll(".treebeard-collapse:not([aria-label])")) {
    const row = link.closest("tr");
    link.setAttribute("aria-label", `Show or hide what is below ${row?.querySelector(".field-name, th")?.textContent.trim() ?? ""}`);
  }
};
name();
new MutationObserver(name).observe(document.getElementById("content"), { childList: true, subtree: true });
