// Asks the processor for a cache line; nothing else. Swift has no way to say it.
#ifndef CASHUP_PREFETCH_H
#define CASHUP_PREFETCH_H

static inline void prefetch_line(const void *address) { __builtin_prefetch(address); }

#endif
