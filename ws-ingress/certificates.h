// The certificate that new connections get: read again when its files change. A pair that is no
// good is refused, and the one before it stays.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "lib/base/result.h"
#include "lib/ws_io/tls_context.h"

namespace jitwg::ingress {

class Certificates {
 public:
  static Result<Certificates> Load(const std::string& certificate_file,
                                   const std::string& key_file);

  // Any thread.
  ws::TlsContext Current() const;

  // One thread, about once a second. Reads the files when they have changed since the last reading
  // and have been left alone since the last call, so that two files are not read between being
  // written. True: a new pair is in use. An error is told once for each change.
  Result<bool> ReloadIfChanged();

 private:
  // Of both files: device, inode, size and time of change.
  using Stamp = std::string;
  Certificates(std::string certificate_file, std::string key_file, ws::TlsContext context);
  Stamp ReadStamp() const;

  std::string certificate_file_;
  std::string key_file_;
  std::shared_ptr<std::mutex> mutex_ = std::make_shared<std::mutex>();
  ws::TlsContext context_;
  Stamp loaded_;
  Stamp seen_;
};

}  // namespace jitwg::ingress
