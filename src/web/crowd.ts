/** How many requests came from one network or account in the present minute, in this process. */

/** More than ever ask in a minute; beyond, memory would be what an attacker takes. */
const ASKERS_MAX = 100_000;

export class Crowd {
  #minute = 0;
  #counts = new Map<string, number>();

  /** Counts one more of this asker on this route; false where there were `most` already. */
  admits(route: string, asker: string, { most, now }: { most: number; now: Date }): boolean {
    const minute = Math.floor(now.getTime() / 60_000);
    if (minute !== this.#minute || this.#counts.size >= ASKERS_MAX) this.#counts.clear();
    this.#minute = minute;
    const key = `${route} ${asker}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= most;
  }
}
