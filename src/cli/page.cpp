#include "cli/page.hpp"

#include <fmt/format.h>

namespace isochron::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

/// With every `what` followed by `more`.
std::string with_after(std::string text, std::string_view what, std::string_view more) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    at += what.size();
    text.insert(at, more);
  }
  return text;
}

/// The element alone, without the head of its document. Its names begin with `prefix`: those of all
/// pictures of a page live together.
std::string embedded(std::string_view svg, const std::string& prefix) {
  std::string element(svg.substr(std::min(svg.find("<svg"), svg.size())));
  for (const char* reference : {" id=\"", " id='", "href=\"#", "href='#", "url(#"}) {
    element = with_after(std::move(element), reference, prefix);
  }
  return element;
}

constexpr const char* style = R"(
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; margin: 0 auto;
       max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
p { max-width: 42rem; }
.verdict { padding: .6rem .9rem; border-left: .4rem solid; background: #f5f5f5; font-weight: 600; }
.good { border-color: #0072b2; } .open { border-color: #e69f00; } .bad { border-color: #d55e00; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; vertical-align: top; font-weight: 600; padding: .15rem 1rem .15rem 0;
     white-space: nowrap; }
td { vertical-align: top; padding: .15rem 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { display: block; } td { padding-bottom: .5rem; } }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; display: block; }
pre { overflow-x: auto; background: #f5f5f5; padding: .6rem .9rem; font-size: .85rem; }
)";

}  // namespace

Page::Page(std::string_view title) : title_(escaped(title)) {
  body_ = fmt::format("<h1>{}</h1>\n", title_);
}

void Page::heading(std::string_view text) { body_ += fmt::format("<h2>{}</h2>\n", escaped(text)); }

void Page::paragraph(std::string_view text) { body_ += fmt::format("<p>{}</p>\n", escaped(text)); }

void Page::verdict(std::string_view text, std::string_view kind) {
  body_ += fmt::format("<p class=\"verdict {}\">{}</p>\n", kind, escaped(text));
}

void Page::table(const std::vector<std::pair<std::string, std::string>>& rows) {
  body_ += "<table>\n";
  for (const auto& [name, value] : rows) {
    body_ += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name),
                         escaped(value));
  }
  body_ += "</table>\n";
}

void Page::screen(std::string_view text) { body_ += fmt::format("<pre>{}</pre>\n", escaped(text)); }

void Page::figure(std::string_view name, std::string_view svg) {
  body_ += fmt::format("<figure id=\"{0}\" aria-label=\"{0}\">\n{1}\n</figure>\n", escaped(name),
                       embedded(svg, fmt::format("{}-", name)));
}

std::string Page::finished() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n"
      "<body>\n{}</body>\n</html>\n",
      title_, style, body_);
}

}  // namespace isochron::cli
