// `jitwgctl certs init`: a certificate authority for development, and the certificates that the
// parts need to speak TCP with one another. Talks to nobody; replaces no file unless told to.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <ostream>

#include "ctl/command.h"
#include "lib/base/key.h"
#include "lib/certificates/maker.h"

namespace jitwg::ctl {
namespace {

using certificates::KeyPair;

constexpr std::uint32_t kLongestDays = 3650;

struct CertsOptions {
  std::string folder;
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  std::vector<std::string> clients{"operator"};
  std::uint32_t days = 365;
  bool renew = false;
  bool overwrite = false;
};

constexpr const char* kCertsExamples =
    "  jitwgctl certs init ./certs --name gw1.example.org\n\n"
    "makes, all of mode 0600, in ./certs:\n"
    "  ca.pem ca.key                     the authority; keep ca.key away from the machines\n"
    "  sniffer.pem sniffer.key           for gw1.example.org and the name `sniffer`\n"
    "  provisioner.pem provisioner.key   for gw1.example.org and the name `provisioner`\n"
    "  operator.pem operator.key         for callers only, of the name `operator`\n\n"
    "and then:\n"
    "  jitwg-sniffer ... --listen 0.0.0.0:7000 --tls-ca certs/ca.pem --tls-cert certs/sniffer.pem "
    "\\\n"
    "      --tls-key certs/sniffer.key --tls-client-name provisioner,operator\n"
    "  jitwg-provisioner --sniffer gw1.example.org:7000 --tls-ca certs/ca.pem \\\n"
    "      --tls-cert certs/provisioner.pem --tls-key certs/provisioner.key\n"
    "  jitwgctl peers --sniffer gw1.example.org:7000 --tls-ca certs/ca.pem \\\n"
    "      --tls-cert certs/operator.pem --tls-key certs/operator.key\n\n"
    "  jitwgctl certs init ./certs --name gw1.example.org --renew   # same authority, new rest\n"
    "The programs take new files without a restart. In production, use the authority that you\n"
    "have; the names are what counts.\n"
    "Exit codes: 0 made; 1 a file is there already, or the folder cannot be written.\n";

struct NewFile {
  std::string name;
  std::string text;
};

Status WriteOne(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  const int file =
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return ErrnoError("cannot write " + draft, errno);
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                     ::fchmod(file, 0600) == 0 && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (whole && ::rename(draft.c_str(), path.c_str()) == 0) return {};
  const Error failed = ErrnoError("cannot write " + path, whole ? errno : error);
  ::unlink(draft.c_str());
  return failed;
}

void Append(std::vector<NewFile>& files, const std::string& name, KeyPair pair) {
  files.push_back({name + ".key", std::move(pair.key)});
  files.push_back({name + ".pem", std::move(pair.certificate)});
}

Result<std::string> ReadOne(const std::string& path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!text.empty()) return text;
  return Error{ErrorCode::kNotFound,
               "cannot read " + path + "; without --renew a new authority is made"};
}

Result<KeyPair> ReadAuthority(const std::string& folder) {
  auto certificate = ReadOne(folder + "/ca.pem");
  if (!certificate) return certificate.error();
  auto key = ReadOne(folder + "/ca.key");
  if (!key) return key.error();
  return KeyPair{std::move(*certificate), std::move(*key)};
}

Status AppendLeaves(const CertsOptions& options, const KeyPair& authority,
                    std::vector<NewFile>& files) {
  const certificates::Validity validity{.ends_in = std::chrono::hours(24) * options.days};
  std::vector<std::pair<std::string, bool>> leaves{{"sniffer", true}, {"provisioner", true}};
  for (const std::string& client : options.clients) leaves.emplace_back(client, false);
  for (const auto& [name, server] : leaves) {
    std::vector<std::string> names{name};
    if (server) names.insert(names.end(), options.names.begin(), options.names.end());
    auto leaf = certificates::MakeLeaf(authority, {name, names, server, validity});
    if (!leaf) return leaf.error();
    Append(files, name, std::move(*leaf));
  }
  return {};
}

Result<std::vector<NewFile>> MakeFiles(const CertsOptions& options) {
  std::vector<NewFile> files;
  const certificates::Validity longest{.ends_in = std::chrono::hours(24) * kLongestDays};
  auto authority = options.renew ? ReadAuthority(options.folder)
                                 : certificates::MakeAuthority("jitwg development CA", longest);
  if (!authority) return authority.error();
  const Status made = AppendLeaves(options, *authority, files);
  if (!options.renew) Append(files, "ca", KeyPair(*authority));
  WipeString(authority->key);
  if (!made) return made.error();
  return files;
}

Error IsThere(const std::string& path) {
  return {ErrorCode::kAlreadyExists,
          path +
              " is there already, and nothing was written; choose another folder, or add "
              "--renew (new certificates of the same authority) or --overwrite"};
}

Status WriteFiles(const CertsOptions& options, const std::vector<NewFile>& files) {
  if (::mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError("cannot make the folder " + options.folder, errno);
  }
  const std::string prefix = options.folder + "/";
  for (const NewFile& file : files) {
    const std::string path = prefix + file.name;
    struct stat facts {};
    const bool there = ::lstat(path.c_str(), &facts) == 0;
    if (there && !options.overwrite && !options.renew) return IsThere(path);
  }
  for (const NewFile& file : files) {
    Status written = WriteOne(prefix + file.name, file.text);
    if (!written) return written;
  }
  return {};
}

Status CheckClient(const std::string& name) {
  const bool path = name.find('/') != std::string::npos || name.substr(0, 1) == ".";
  if (!path && name != "ca" && name != "sniffer" && name != "provisioner") return {};
  return InvalidArgument("'" + name + "' cannot be a client's name; take another, like operator2");
}

void AddOptions(ConfigParser& parser, CertsOptions& options) {
  parser.AddPositional("dir", &options.folder, "the folder; made when it is not there").Required();
  parser
      .Add("name", &options.names,
           "how sniffer and provisioner are reached: DNS name or IP address; may be repeated")
      .ValueName("HOST")
      .FlagOnly();
  parser.Add("client", &options.clients, "a caller to make a certificate for; may be repeated")
      .ValueName("NAME")
      .Check(CheckClient)
      .FlagOnly();
  parser.Add("days", &options.days, "how long the certificates last; the authority: ten years")
      .Range(1, kLongestDays)
      .FlagOnly();
  parser.Add("renew", &options.renew, "keep the authority, replace all certificates").FlagOnly();
  parser.Add("overwrite", &options.overwrite, "replace whatever is there").FlagOnly();
}

}  // namespace

int CertsInitCommand(const Arguments& arguments, Io io) {
  CertsOptions options;
  ConfigParser parser("jitwgctl certs init",
                      "Makes a development CA and certificates for mutual TLS between the parts.",
                      ConfigParser::File::kNone);
  AddOptions(parser, options);
  parser.Examples(kCertsExamples);
  parser.Parse(arguments);
  if (options.renew && options.overwrite) parser.AddFault("renew", "excludes --overwrite");
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto files = MakeFiles(options);
  if (!files) return Fail(io, files.error());
  const Status written = WriteFiles(options, *files);
  for (NewFile& file : *files) WipeString(file.text);
  if (!written) return Fail(io, written.error());
  for (const NewFile& file : *files) io.out << options.folder << "/" << file.name << "\n";
  io.err << "jitwgctl: keep " << options.folder
         << "/ca.key to yourself: whoever has it can be anybody\n";
  return kExitOk;
}

}  // namespace jitwg::ctl
