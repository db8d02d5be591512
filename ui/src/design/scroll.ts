/** To the top of the page: another step of it begins there. */
export function toTop(): void {
  document.getElementById("main")?.scrollTo({ top: 0 });
}
