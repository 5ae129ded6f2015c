// Prints the counters of a running sniffer as one JSON object. Argument: its address, unix:/path.
#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <iostream>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "lib/rpc/channel.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: sniffer_statistics unix:/path\n";
    return 1;
  }
  const auto channel = jitwg::rpc::MakeChannel(argv[1]);
  if (!channel) {
    std::cerr << "sniffer_statistics: " << channel.error().message << '\n';
    return 1;
  }
  const auto stub = jitwg::v1::HandshakeEvents::NewStub(*channel);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  jitwg::rpc::SetTimeout(context, std::chrono::seconds(10));
  jitwg::v1::GetStatisticsResponse response;
  const grpc::Status status = stub->GetStatistics(&context, {}, &response);
  if (!status.ok()) {
    std::cerr << "sniffer_statistics: " << status.error_message() << '\n';
    return 1;
  }
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(response, &json, options).ok()) return 1;
  std::cout << json << '\n';
  return 0;
}
