#include "lib/rpc/grpc_log.h"

#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace jitwg::rpc {

void QuietGrpcLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function([](gpr_log_func_args* args) {
      // Told by GRPC_TRACE, it logs every byte that it sends, as information or for debugging.
      if (args->severity < GPR_LOG_SEVERITY_ERROR) return;
      spdlog::debug("grpc severity={} message=\"{}\"", gpr_log_severity_string(args->severity),
                    args->message);
    });
  });
}

}  // namespace jitwg::rpc
