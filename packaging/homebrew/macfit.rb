# Written by Homebrew's rules; no brew has run it yet. There is no release yet either: url and sha256
# stand for the first one's tarball and are to be filled in with it.
class Macfit < Formula
  desc "Plans which model runs how on which Macs"
  homepage "https://github.com/macfit/macfit"
  url "https://github.com/macfit/macfit/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"
  head "https://github.com/macfit/macfit.git", branch: "main"

  depends_on "cli11" => :build
  depends_on "cmake" => :build
  depends_on "fmt"
  depends_on "nlohmann-json"
  depends_on "spdlog"

  def install
    args = %w[-DBUILD_TESTING=OFF -DFETCHCONTENT_FULLY_DISCONNECTED=ON]
    system "cmake", "-S", ".", "-B", "build", *args, *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    plan = shell_output("#{bin}/macfit plan --model 230b-q4 --nodes 2x128 --format json")
    assert_match '"kind": "pipeline-shard"', plan
    assert_match '"tier": "comfortable"', plan
    assert_match "did you mean", shell_output("#{bin}/macfit plan --model lama-3.1-70b --nodes 2x128 2>&1", 2)
  end
end
