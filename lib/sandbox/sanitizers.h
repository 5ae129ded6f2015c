// The one place that knows of sanitizers' builds, which no package and no image holds.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define JITWG_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JITWG_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define JITWG_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define JITWG_THREAD_SANITIZER 1
#endif
#endif

namespace jitwg {

// LeakSanitizer comes with AddressSanitizer.
#ifdef JITWG_ADDRESS_SANITIZER
inline constexpr bool kLeaksAreLookedFor = true;
#else
inline constexpr bool kLeaksAreLookedFor = false;
#endif

#ifdef JITWG_THREAD_SANITIZER
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = kLeaksAreLookedFor;
#endif

}  // namespace jitwg
