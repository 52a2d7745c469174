// Owns what stands for sessionStorage where there is no page.

/** What a tab keeps over a reload. */
export class TabStorage {
  constructor(values = []) {
    this.values = new Map(values);
  }

  getItem(name) {
    return this.values.get(name) ?? null;
  }

  setItem(name, value) {
    this.values.set(name, value);
  }

  removeItem(name) {
    this.values.delete(name);
  }
}
