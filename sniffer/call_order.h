// Which calls of a provisioner are still worth carrying out. A call may be read long before it is
// carried out (this process was stopped, its threads were busy); by then its caller may have given
// it up, asked for something else, and been answered. Carried out after all it would undo that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>

namespace jitwg::sniffer {

// One call's place among those of its caller; caller 0: it has none.
struct CallPlace {
  std::uint64_t caller = 0;
  std::uint64_t number = 0;       // rises from call to call
  std::uint64_t oldest_open = 0;  // calls below it have ended for the caller; at most `number`
};

// Thread-safe. Remembers the callers that were heard last.
class CallOrder {
 public:
  static constexpr std::size_t kMaxCallers = 16;

  // A call came in: its caller waits no more for those below its `oldest_open`.
  void Note(const CallPlace& place);
  // False: the caller was heard to wait no more for this call.
  bool IsOpen(const CallPlace& place) const;

 private:
  struct Caller {
    std::uint64_t id;
    std::uint64_t oldest_open;
  };

  mutable std::mutex mutex_;
  std::list<Caller> callers_;  // the one heard last comes first
};

}  // namespace jitwg::sniffer
