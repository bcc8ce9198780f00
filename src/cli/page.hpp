#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace isochron::cli {

/// A page of HTML that needs nothing else: no script, no other file, no network. Text is shown as
/// it is, whatever it contains.
class Page {
 public:
  explicit Page(std::string_view title);

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// A sentence that stands out; `kind` is one of "good", "open", "bad".
  void verdict(std::string_view text, std::string_view kind);
  /// Names and values; a row without a name goes on with the one before it.
  void table(const std::vector<std::pair<std::string, std::string>>& rows);
  /// Text whose columns are aligned.
  void screen(std::string_view text);
  /// A picture, an SVG document, under a name that no other one of the page has.
  void figure(std::string_view name, std::string_view svg);

  /// The whole document.
  [[nodiscard]] std::string finished() const;

 private:
  std::string body_;
  std::string title_;
};

}  // namespace isochron::cli
