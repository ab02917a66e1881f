/** How long before a token's end the benchmarked gateway asks for the next one. */
export const LEAD_TIME_S = 2;
