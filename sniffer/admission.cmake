# The admission room: what may cost crypto, and what is fresh. Pure, fixed memory.
jitwg_room(jitwg_admission
  SOURCES admission/freshness.cc admission/recent_initiations.cc admission/source_limiter.cc
          admission/token_bucket.cc admission/verdict.cc
  HEADERS admission/freshness.h admission/recent_initiations.h admission/source_limiter.h admission/token_bucket.h admission/verdict.h
          admission/admission.h
  DEPS jitwg_base)
