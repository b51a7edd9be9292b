#pragma once

// Everything is compiled with hidden visibility; what an embedder may call is
// marked RANVIER_API.
#define RANVIER_API __attribute__((visibility("default")))
