// No answer of any RPC has a place for a private or preshared key: whoever takes the provisioner
// over, or calls it, cannot ask for one. A new field of bytes has to be put on the list here.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "jitwg/v1/admin.pb.h"
#include "jitwg/v1/handshake_events.pb.h"
#include "jitwg/v1/peer_installer.pb.h"

namespace jitwg::rpc {
namespace {

namespace pb = google::protobuf;

const std::set<std::string> kHarmlessBytes = {
    "public_key", "address", "destination", "timestamp", "newest_timestamp", "forgotten_timestamp"};

void Collect(const pb::Descriptor* message, std::set<const pb::Descriptor*>& seen) {
  if (!seen.insert(message).second) return;
  for (int i = 0; i < message->field_count(); ++i) {
    const pb::Descriptor* inner = message->field(i)->message_type();
    if (inner != nullptr) Collect(inner, seen);
  }
}

std::set<const pb::Descriptor*> Answers() {
  std::set<const pb::Descriptor*> answers;
  for (const pb::FileDescriptor* file :
       {v1::StatusResponse::descriptor()->file(), v1::WatchResponse::descriptor()->file(),
        v1::InstallPeersResponse::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      const pb::ServiceDescriptor* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        Collect(service->method(m)->output_type(), answers);
      }
    }
  }
  return answers;
}

TEST(Answers, HaveNoPlaceForASecret) {
  const auto answers = Answers();
  ASSERT_GE(answers.size(), 15U) << "the services were not found";
  for (const pb::Descriptor* answer : answers) {
    for (int i = 0; i < answer->field_count(); ++i) {
      const pb::FieldDescriptor* field = answer->field(i);
      const std::string& name = field->name();
      if (field->type() == pb::FieldDescriptor::TYPE_BYTES) {
        EXPECT_TRUE(kHarmlessBytes.count(name) == 1) << field->full_name();
      }
      const bool secret = name.find("private") != std::string::npos ||
                          name.find("secret") != std::string::npos ||
                          name.find("preshared") != std::string::npos;
      EXPECT_TRUE(!secret || field->type() == pb::FieldDescriptor::TYPE_BOOL) << field->full_name();
    }
  }
}

}  // namespace
}  // namespace jitwg::rpc
