// What grpcurl does with a server it knows nothing about: lists the services and rebuilds their
// descriptors, dependencies included, from what reflection sends.

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "jitwg/v1/admin.grpc.pb.h"
#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {
namespace {

namespace pb = google::protobuf;

// gRPC links the reflection protocol's descriptors but installs no header for them.
std::unique_ptr<pb::Message> NewReflectionMessage(const std::string& name) {
  const auto* descriptor = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(
      "grpc.reflection.v1alpha." + name);
  return std::unique_ptr<pb::Message>(
      pb::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

grpc::ByteBuffer Serialize(const pb::Message& message) {
  const std::string bytes = message.SerializeAsString();
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

class ReflectionClient {
 public:
  explicit ReflectionClient(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}

  // One question, one answer: `field` of ServerReflectionRequest set to `value`.
  std::unique_ptr<pb::Message> Ask(const std::string& field, const std::string& value) {
    auto request = NewReflectionMessage("ServerReflectionRequest");
    request->GetReflection()->SetString(request.get(),
                                        request->GetDescriptor()->FindFieldByName(field), value);
    grpc::ClientContext context;
    SetTimeout(context, std::chrono::seconds(30));
    grpc::CompletionQueue queue;
    const auto call = stub_.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->StartCall(Tag());
    Next(queue);
    call->Write(Serialize(*request), Tag());
    Next(queue);
    call->Read(&answer, Tag());
    Next(queue);
    call->WritesDone(Tag());
    Next(queue);
    call->Finish(&status, Tag());
    Next(queue);
    EXPECT_TRUE(status.ok()) << status.error_message();
    auto response = NewReflectionMessage("ServerReflectionResponse");
    grpc::ProtoBufferReader reader(&answer);
    EXPECT_TRUE(response->ParseFromZeroCopyStream(&reader));
    return response;
  }

 private:
  static void* Tag() { return nullptr; }
  static void Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }

  grpc::GenericStub stub_;
};

const pb::Message& Sub(const pb::Message& message, const std::string& field) {
  return message.GetReflection()->GetMessage(message,
                                             message.GetDescriptor()->FindFieldByName(field));
}

std::set<std::string> ListServices(ReflectionClient& client) {
  const auto answer = client.Ask("list_services", "");
  const pb::Message& list = Sub(*answer, "list_services_response");
  const auto* field = list.GetDescriptor()->FindFieldByName("service");
  std::set<std::string> names;
  for (int i = 0; i < list.GetReflection()->FieldSize(list, field); ++i) {
    const pb::Message& service = list.GetReflection()->GetRepeatedMessage(list, field, i);
    names.insert(service.GetReflection()->GetString(
        service, service.GetDescriptor()->FindFieldByName("name")));
  }
  return names;
}

// Adds the files of an answer to `database`; returns what they import.
std::vector<std::string> Collect(const pb::Message& answer, pb::SimpleDescriptorDatabase& database,
                                 std::set<std::string>& have) {
  const pb::Message& files = Sub(answer, "file_descriptor_response");
  const auto* field = files.GetDescriptor()->FindFieldByName("file_descriptor_proto");
  std::vector<std::string> imports;
  for (int i = 0; i < files.GetReflection()->FieldSize(files, field); ++i) {
    pb::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(files.GetReflection()->GetRepeatedString(files, field, i)));
    if (!have.insert(file.name()).second) continue;
    imports.insert(imports.end(), file.dependency().begin(), file.dependency().end());
    database.Add(file);
  }
  return imports;
}

// The service as a stranger sees it, or nullptr. Its pool must outlive it.
const pb::ServiceDescriptor* Describe(ReflectionClient& client, const std::string& service,
                                      pb::SimpleDescriptorDatabase& database,
                                      pb::DescriptorPool& pool) {
  std::set<std::string> have;
  std::vector<std::string> wanted =
      Collect(*client.Ask("file_containing_symbol", service), database, have);
  while (!wanted.empty()) {
    const std::string name = wanted.back();
    wanted.pop_back();
    if (have.count(name) != 0) continue;
    const auto more = Collect(*client.Ask("file_by_filename", name), database, have);
    wanted.insert(wanted.end(), more.begin(), more.end());
  }
  return pool.FindServiceByName(service);
}

TEST(Reflection, AStrangerCanListAndDescribeEveryService) {
  const TempDir dir;
  v1::Admin::Service admin;
  v1::HandshakeEvents::Service events;
  v1::PeerInstaller::Service installer;
  auto server = Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&admin, &events, &installer});
  ASSERT_TRUE(server) << server.error().message;
  ReflectionClient client(MakeChannel(dir.File("s.sock")).value());

  const auto services = ListServices(client);
  EXPECT_THAT(services, testing::IsSupersetOf({"jitwg.v1.Admin", "jitwg.v1.HandshakeEvents",
                                               "jitwg.v1.PeerInstaller", "grpc.health.v1.Health"}));
  for (const std::string& name : services) {
    if (name.find("reflection") != std::string::npos) continue;
    pb::SimpleDescriptorDatabase database;
    pb::DescriptorPool pool(&database);
    const auto* service = Describe(client, name, database, pool);
    ASSERT_NE(service, nullptr) << name;
    EXPECT_GT(service->method_count(), 0) << name;
  }
}

}  // namespace
}  // namespace jitwg::rpc
