#pragma once
#include <isa-l/igzip_lib.h>

// The library states the buffer sizes as macros over macros, some without parentheses, which Swift does not import.
// 0 for a level that needs no buffer or does not exist.
static inline uint32_t isal_shim_level_buffer_bytes(uint32_t level) {
  switch (level) {
  case 1: return (ISAL_DEF_LVL1_DEFAULT);
  case 2: return (ISAL_DEF_LVL2_DEFAULT);
  case 3: return (ISAL_DEF_LVL3_DEFAULT);
  default: return 0;
  }
}
