#include "peer-api/qr_code.h"

#include <png.h>
#include <qrencode.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "lib/base/key.h"

namespace jitwg::api {
namespace {

constexpr std::size_t kQuiet = 4;  // modules of margin, as the standard wants
constexpr std::size_t kScale = 6;  // pixels of one module in the PNG

// Modules of a square, wiped at its end.
class Matrix {
 public:
  static Result<Matrix> Of(const std::string& text) {
    struct Deleter {
      void operator()(QRcode* code) const {
        explicit_bzero(code->data, static_cast<std::size_t>(code->width) *
                                       static_cast<std::size_t>(code->width));
        QRcode_free(code);
      }
    };
    const std::unique_ptr<QRcode, Deleter> code(
        QRcode_encodeData(static_cast<int>(text.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L));
    if (!code) {
      return Error{ErrorCode::kInvalidArgument,
                   "the configuration is too long for a QR code; use format=wg-quick"};
    }
    return Matrix(*code);
  }
  ~Matrix() {
    if (!modules_.empty()) explicit_bzero(modules_.data(), modules_.size());
  }
  Matrix(Matrix&&) = default;
  Matrix& operator=(Matrix&&) = delete;
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  std::size_t width() const { return width_; }
  bool Dark(std::size_t x, std::size_t y) const { return (modules_[y * width_ + x] & 1U) != 0; }

 private:
  explicit Matrix(const QRcode& code)
      : width_(static_cast<std::size_t>(code.width)),
        modules_(code.data, code.data + width_ * width_) {}

  std::size_t width_;
  std::vector<std::uint8_t> modules_;
};

// One path of horizontal runs: a tenth of what a rectangle for each module takes.
void AppendRuns(const Matrix& matrix, std::size_t y, std::string& path) {
  for (std::size_t x = 0; x < matrix.width(); ++x) {
    if (!matrix.Dark(x, y)) continue;
    const std::size_t begin = x;
    while (x < matrix.width() && matrix.Dark(x, y)) ++x;
    const std::string run = std::to_string(x - begin);
    path.append("M").append(std::to_string(begin + kQuiet)).append(" ");
    path.append(std::to_string(y + kQuiet)).append("h").append(run);
    path.append("v1h-").append(run).append("z");
  }
}

}  // namespace

Result<std::string> QrSvg(const std::string& text) {
  const auto matrix = Matrix::Of(text);
  if (!matrix) return matrix.error();
  const std::string side = std::to_string(matrix->width() + 2 * kQuiet);
  std::string svg;
  svg.reserve(512 + matrix->width() * matrix->width() * 12);
  svg += R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" + side + " " + side +
         R"(" shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/>)" +
         R"(<path fill="#000" d=")";
  for (std::size_t y = 0; y < matrix->width(); ++y) AppendRuns(*matrix, y, svg);
  return svg + "\"/></svg>\n";
}

Result<std::string> QrPng(const std::string& text) {
  const auto matrix = Matrix::Of(text);
  if (!matrix) return matrix.error();
  const std::size_t side = (matrix->width() + 2 * kQuiet) * kScale;
  std::string pixels(side * side, '\xff');
  for (std::size_t y = 0; y < matrix->width() * kScale; ++y) {
    for (std::size_t x = 0; x < matrix->width() * kScale; ++x) {
      if (!matrix->Dark(x / kScale, y / kScale)) continue;
      pixels[(y + kQuiet * kScale) * side + x + kQuiet * kScale] = '\0';
    }
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(side);
  image.height = image.width;
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string png(size, '\0');
  const int written =
      png_image_write_to_memory(&image, png.data(), &size, 0, pixels.data(), 0, nullptr);
  WipeString(pixels);
  if (written == 0) return Error{ErrorCode::kInternal, "the PNG could not be made"};
  png.resize(size);
  return png;
}

}  // namespace jitwg::api
