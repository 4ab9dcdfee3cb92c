#pragma once
// Of glibc's own part, which Swift's Glibc module leaves out.
#include <malloc.h>
