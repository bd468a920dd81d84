const sections = [...document.querySelectorAll("section")];
document.getElementById("functions").addEventListener("change", event => {
    sections.forEach((section, number) => section.hidden = number != event.target.value);
});
for (const section of sections) {
    const articles = section.querySelectorAll("article");
    section.querySelectorAll("nav input").forEach((input, number) => {
        const show = () => articles[number].hidden = !input.checked;
        input.addEventListener("change", show);
        show();
    });
    section.addEventListener("mouseover", event => {
        const line = event.target.closest("[data-n]");
        section.querySelectorAll(".marked").forEach(marked => marked.classList.remove("marked"));
        if (line) {
            const same = section.querySelectorAll(`[data-n="${line.dataset.n}"]`);
            same.forEach(other => other.classList.add("marked"));
        }
    });
}
document.body.dataset.ready = sections.length;
