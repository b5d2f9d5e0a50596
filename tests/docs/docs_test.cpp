// The documents are true: every command in them runs here, and prints what they show.
// MACFIT_REGOLD=1 writes what is printed into them instead, to be read as a diff.

#include <cstdlib>

#include "document.hpp"
#include "macfit/core/text.hpp"
#include "terminal_svg.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::test::docs;

namespace {

const bool renew = std::getenv("MACFIT_REGOLD") != nullptr;

std::vector<std::string> document_paths() {
  std::vector<std::string> paths = {"README.md", "CONTRIBUTING.md"};
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("docs"))) {
    if (entry.path().extension() == ".md") {
      paths.push_back("docs/" + entry.path().filename().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Document document_at(const std::string& path) {
  return read_document(path, test::read_text(test::source_path(path)));
}

void write_document(const Document& document) {
  std::ofstream stream(test::source_path(document.path), std::ios::binary);
  for (const std::string& line : document.lines) {
    stream << line << '\n';
  }
  WARN(document.path << " was renewed");
}

std::vector<std::string> wrong_in(const std::string& text) {
  Document document = read_document("x.md", text);
  std::vector<std::string> wrong = run_commands(document, false);
  wrong.insert(wrong.end(), document.complaints.begin(), document.complaints.end());
  return wrong;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  for (const std::string_view line : split(text, '|')) {
    result.emplace_back(line);
  }
  return result;
}

}  // namespace

TEST_CASE("what the documents type runs, and prints what they show", "[docs]") {
  std::string not_run;
  std::size_t ran = 0;
  for (const std::string& path : document_paths()) {
    Document document = document_at(path);
    const std::vector<std::string> before = document.lines;
    for (const std::string& complaint : document.complaints) {
      FAIL_CHECK(complaint);
    }
    for (const std::string& wrong : run_commands(document, renew)) {
      FAIL_CHECK(wrong);
    }
    for (const Command& command : document.commands) {
      if (command.not_run.empty()) {
        ++ran;
      } else {
        not_run += "\n" + path + ":" + std::to_string(command.line + 1) + ": " + command.text;
      }
    }
    if (document.lines != before) {
      write_document(document);
    }
  }
  CHECK(ran > 40);
  WARN(ran << " commands ran; not run:" << not_run);
}

TEST_CASE("a block that names a file of the tree shows that file", "[docs]") {
  std::size_t shown = 0;
  for (const std::string& path : document_paths()) {
    Document document = document_at(path);
    // From the last to the first, so that lines keep their places.
    for (std::size_t i = document.blocks.size(); i-- > 0;) {
      const Block& block = document.blocks[i];
      if (block.name.find('/') == std::string::npos) {
        continue;
      }
      ++shown;
      const std::string text = test::read_text(test::source_path(block.name));
      if (renew && text_of(document, block) != text) {
        replace_lines(document, block.fence + 1, block.end, text);
        write_document(document);
      } else {
        INFO(path << ":" << block.fence + 1);
        CHECK(text_of(document, block) == text);
      }
    }
  }
  CHECK(shown >= 2);
}

TEST_CASE("a document links to what is there", "[docs]") {
  for (const std::string& path : document_paths()) {
    const std::filesystem::path folder = test::source_path(path).parent_path();
    const std::string text = test::read_text(test::source_path(path));
    for (std::size_t at = 0; (at = text.find("](", at)) != std::string::npos; ++at) {
      const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      if (target.find("://") == std::string::npos && target.front() != '#') {
        INFO(path << " links to " << target);
        CHECK(std::filesystem::exists(folder / target.substr(0, target.find('#'))));
      }
    }
  }
}

TEST_CASE("the picture shows what the program prints", "[docs]") {
  const std::string command = "macfit plan --model 230b-q4 --nodes 2x128";
  std::vector<std::string> printed =
      run(command + " --color always", std::filesystem::temp_directory_path()).lines;
  printed.erase(
      std::find_if(printed.begin(), printed.end(),
                   [](const std::string& line) { return line.find("Notes") != std::string::npos; }),
      printed.end());
  REQUIRE(printed.size() > 20);
  printed.pop_back();  // the empty line before the notes
  const std::string drawn = terminal_svg(command, printed);
  const std::filesystem::path path = test::source_path("docs/pictures/plan.svg");
  if (renew) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << drawn;
  }
  CHECK(drawn == test::read_text(path));
}

TEST_CASE("a document that is wrong is found out", "[docs]") {
  CHECK(wrong_in("```console\n$ echo one; echo two\none\ntwo\n```\n").empty());
  CHECK(wrong_in("```console\n$ echo one; echo two\none\n…\n```\n").empty());
  CHECK(
      wrong_in("```console\n$ true\n$ cat a.txt\nhello\n```\n```text a.txt\nhello\n```\n").empty());
  CHECK(wrong_in("```sh\nfalse  # exit code 1\n```\n").empty());
  CHECK(wrong_in("```sh\nfalse  # not tested: wants two Macs\n```\n").empty());
  CHECK(wrong_in("```sh\necho \\\n  one\n```\n").empty());

  const std::string wrong = GENERATE(
      as<std::string>{},  //
      "```console\n$ echo one; echo two\none\n```\n", "```console\n$ echo one\none\ntwo\n```\n",
      "```console\n$ echo one\nOne\n```\n", "```console\n$ echo one\n```\n",
      "```console\n$ echo one\n…\ntwo\n```\n", "```console\n$ echo one; false\none\n```\n",
      "```console\nmacfit version\n```\n",  //
      "```sh\nfalse\n```\n",                //
      "```sh\ntrue  # exit code 1\n```\n",
      "```sh\nmacfit plan --model nonesuch --nodes 2x128\n```\n",
      "```text\nmacfit version\n```\n",  //
      "```\nmacfit version\n```\n",      //
      "Type\n\n    macfit version\n",    //
      "```sh\ntrue\n");
  INFO(wrong);
  CHECK(wrong_in(wrong).size() == 1);
}

TEST_CASE("outputs are compared and renewed around what is left out", "[docs]") {
  const std::vector<std::string> printed = lines("head|a 1|b|c 22|d|end");
  CHECK(difference(lines("head|a 1|b|c 22|d|end"), printed).empty());
  CHECK(difference(lines("head|…"), printed).empty());
  CHECK(difference(lines("…|end"), printed).empty());
  CHECK(difference(lines("head|…|c 22|…|end"), printed).empty());
  CHECK(difference(lines("head|a 1|b|c 22|d|end|…"), printed).empty());
  CHECK_FALSE(difference(lines("head|…|c 23|…|end"), printed).empty());
  CHECK_FALSE(difference(lines("…|d"), printed).empty());
  CHECK_FALSE(difference(lines("head|…|end|…|end"), printed).empty());
  CHECK_FALSE(difference(lines("head"), printed).empty());

  CHECK(renewed(lines("old"), printed) == printed);
  CHECK(renewed(lines("old|…"), printed) == lines("head|…"));
  CHECK(renewed(lines("old|…|c 7|…|x|y"), printed) == lines("head|…|c 22|…|d|end"));
  CHECK(renewed(lines("…|gone|…"), printed) == lines("…|…"));
}
