# Written by Homebrew's rules and checked for syntax; no brew has run it yet. There is no release yet either: url and
# sha256 stand for the first one's tarball and are to be filled in with it.
class Macfit < Formula
  desc "Plans which model runs how on which Macs"
  homepage "https://github.com/macfit/macfit"
  url "https://github.com/macfit/macfit/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"
  head "https://github.com/macfit/macfit.git", branch: "main"

  depends_on "cli11" => :build
  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "nlohmann-json" => :build
  depends_on "fmt"
  depends_on "spdlog"

  def install
    # Everything comes from the formulae above: a build that would fetch something fails.
    args = %w[-GNinja -DBUILD_TESTING=OFF -DFETCHCONTENT_FULLY_DISCONNECTED=ON]
    system "cmake", "-S", ".", "-B", "build", *args, *std_cmake_args
    system "cmake", "--build", "build"
    # The man page and the completions of zsh and fish are installed where Homebrew wants them; bash's are not.
    system "cmake", "--install", "build"
    rm_r share/"bash-completion"
    generate_completions_from_executable(bin/"macfit", "completion", shells: [:bash])
  end

  test do
    plan = shell_output("#{bin}/macfit plan --model 230b-q4 --nodes 2x128")
    assert_match "230b-q4 on 2x128: pipeline-shard, comfortable", plan
    required = shell_output("#{bin}/macfit plan --model 250gb --nodes 2x128 --require borderline 2>&1", 1)
    assert_match "required borderline", required
    wrong = shell_output("#{bin}/macfit plan --model lama-3.1-70b --nodes 2x128 2>&1", 2)
    assert_match "did you mean llama-3.1-70b", wrong

    (testpath/"fits.cpp").write <<~CPP
      #include <iostream>
      #include <macfit/core/quantity.hpp>

      int main() { std::cout << macfit::format_gb(macfit::parse_bytes("96GB")) << '\\n'; }
    CPP
    system ENV.cxx, "-std=c++20", "fits.cpp", "-I#{include}", "-L#{lib}", "-L#{Formula["fmt"].opt_lib}",
           "-lmacfit", "-lfmt", "-o", "fits"
    assert_match "96.00 GB", shell_output("./fits")
  end
end
