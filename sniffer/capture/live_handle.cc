#include "sniffer/capture/live_handle.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "sniffer/capture/filter.h"

namespace jitwg::sniffer {
namespace {

// Before a filter: what this host does not send ends here, before it costs a copy. Jumps inside a
// filter are relative, so that nothing behind has to change.
constexpr std::array<sock_filter, 3> kOnlyOutgoing = {{
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)},
    {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, PACKET_OUTGOING},
    {BPF_RET | BPF_K, 0, 0, 0},
}};

std::string ExistingInterfaces() {
  std::string names = "any";
  struct if_nameindex* const list = ::if_nameindex();
  if (list == nullptr) return names;
  for (const struct if_nameindex* entry = list; entry->if_index != 0; ++entry) {
    names += std::string(", ") + entry->if_name;
  }
  ::if_freenameindex(list);
  return names;
}

Error NoSuchInterface(const std::string& name) {
  return Error{ErrorCode::kNotFound,
               "no interface '" + name + "' to capture on; there are: " + ExistingInterfaces()};
}

Error ActivationError(pcap_t* handle, const std::string& name, int code) {
  switch (code) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return NoSuchInterface(name);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return Error{ErrorCode::kPermissionDenied, "capturing on '" + name +
                                                     "' needs CAP_NET_RAW; run as root or give the "
                                                     "program that capability"};
    case PCAP_ERROR_IFACE_NOT_UP:
      return Error{ErrorCode::kUnavailable, "interface '" + name + "' is down"};
    default:
      return Error{ErrorCode::kInternal, "cannot capture on '" + name +
                                             "': " + ::pcap_statustostr(code) + " (" +
                                             ::pcap_geterr(handle) + ")"};
  }
}

struct Program {
  bpf_program program{};
  ~Program() { ::pcap_freecode(&program); }
};

// A cooked socket's filter sees the packet from its network header on, whatever header libpcap puts
// before it later. So it is compiled as raw IP, and no offset has to be translated.
int FilterDlt(LinkType type) {
  const bool cooked = type == LinkType::kLinuxSll || type == LinkType::kLinuxSll2;
  return cooked ? DLT_RAW : DltOf(type);
}

}  // namespace

void LiveHandle::Close::operator()(pcap* handle) const { ::pcap_close(handle); }

Result<LiveHandle> LiveHandle::Open(const PcapOptions& options) {
  const bool any = options.interface == "any";
  LiveHandle live;
  live.ifindex_ = any ? 0 : ::if_nametoindex(options.interface.c_str());
  if (!any && live.ifindex_ == 0) return NoSuchInterface(options.interface);
  if (const Status status = live.Activate(options); !status) return status.error();
  const int dlt = ::pcap_datalink(live.get());
  const auto link_type = LinkTypeFromDlt(dlt);
  if (!link_type) {
    const char* const name = ::pcap_datalink_val_to_name(dlt);
    return Error{ErrorCode::kInvalidArgument,
                 "interface '" + options.interface + "' has link type " +
                     (name != nullptr ? name : std::to_string(dlt)) +
                     ", which is not supported; capture on 'any' instead"};
  }
  live.link_type_ = *link_type;
  live.fd_ = ::pcap_get_selectable_fd(live.get());
  live.outgoing_ = options.outgoing;
  live.snap_length_ = options.snap_length;
  live.is_fixed_ = !options.fixed_filter.empty();
  if (!live.outgoing_) live.IgnoreOutgoing();
  const Status attached = live.is_fixed_ ? live.Attach(options.fixed_filter) : live.SetPorts({});
  if (!attached) return attached.error();
  return live;
}

Status LiveHandle::Activate(const PcapOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> message{};
  pcap_.reset(::pcap_create(options.interface.c_str(), message.data()));
  if (pcap_ == nullptr) return Error{ErrorCode::kInternal, message.data()};
  ::pcap_set_snaplen(get(), options.snap_length);
  ::pcap_set_promisc(get(), 0);
  ::pcap_set_buffer_size(get(), static_cast<int>(options.ring_bytes));
  // Microseconds are libpcap's default. For nanoseconds it would set SO_TIMESTAMPNS, and from then
  // on the kernel reads the clock for every packet of the machine, whatever the filter says of it.
  const bool immediate = options.block_timeout.count() <= 0;
  ::pcap_set_immediate_mode(get(), immediate ? 1 : 0);
  ::pcap_set_timeout(get(), immediate ? 1 : static_cast<int>(options.block_timeout.count()));
  const int code = ::pcap_activate(get());
  if (code < 0) return ActivationError(get(), options.interface, code);
  if (options.interface == "any") ::pcap_set_datalink(get(), DLT_LINUX_SLL2);
  if (::pcap_setnonblock(get(), 1, message.data()) != 0) {
    return Error{ErrorCode::kInternal, message.data()};
  }
  return {};
}

// Without it, all that this host sends runs through the filter too, and everything on the loopback
// is seen twice. Kernels before 4.20 do not know it; the cooked header's packet type and the
// duplicate check catch the rest there.
void LiveHandle::IgnoreOutgoing() const {
  const int on = 1;
  static_cast<void>(::setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)));
}

Status LiveHandle::SetPorts(std::span<const std::uint16_t> ports) {
  if (is_fixed_) return {};
  return Attach(InitiationFilter(ports, link_type_));
}

// Not pcap_setfilter(3): that one shuts the capture for a moment, empties the socket and may not be
// called while another thread reads. What is compiled for the handle's snap length accepts that
// many bytes, and the kernel copies no more.
Status LiveHandle::Attach(const std::string& text) const {
  const std::unique_ptr<pcap, Close> compiler(
      ::pcap_open_dead(FilterDlt(link_type_), snap_length_));
  if (compiler == nullptr) return Error{ErrorCode::kResourceExhausted, "pcap_open_dead failed"};
  Program compiled;
  if (::pcap_compile(compiler.get(), &compiled.program, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) !=
      0) {
    return Error{ErrorCode::kInternal,
                 std::string("capture filter does not compile: ") + ::pcap_geterr(compiler.get())};
  }
  std::vector<sock_filter> code;
  if (outgoing_) code.assign(kOnlyOutgoing.begin(), kOnlyOutgoing.end());
  code.reserve(code.size() + compiled.program.bf_len);
  for (const bpf_insn& insn : std::span(compiled.program.bf_insns, compiled.program.bf_len)) {
    code.push_back(sock_filter{insn.code, insn.jt, insn.jf, insn.k});
  }
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) {
    return ErrnoError("attaching a capture filter of " + std::to_string(code.size()) + " steps",
                      errno);
  }
  return {};
}

}  // namespace jitwg::sniffer
