#pragma once
// For ZSTD_initStaticCCtx: a compression context in memory of our own. The usual one frees and allocates its workspace
// again and again when frames of different sizes take turns.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
