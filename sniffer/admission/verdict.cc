#include "sniffer/admission/verdict.h"

namespace jitwg::sniffer {

std::string_view ToString(AdmissionVerdict verdict) {
  switch (verdict) {
    case AdmissionVerdict::kAdmitted:
      return "admitted";
    case AdmissionVerdict::kDuplicate:
      return "duplicate";
    case AdmissionVerdict::kSourceLimited:
      return "source_limited";
    case AdmissionVerdict::kGlobalLimited:
      return "global_limited";
    case AdmissionVerdict::kSameStamp:
      return "same_stamp";
    case AdmissionVerdict::kOlderStamp:
      return "older_stamp";
  }
  return "unknown";
}

}  // namespace jitwg::sniffer
