#include <gtest/gtest.h>

#include <random>

#include "core/expression.h"

namespace tapemill {
namespace {

bool same(const Expression& a, const Expression& b) {
  if (a.type != b.type || a.text != b.text || a.number != b.number || a.args.size() != b.args.size() ||
      a.named.size() != b.named.size())
    return false;
  for (std::size_t i = 0; i < a.args.size(); ++i)
    if (!same(a.args[i], b.args[i])) return false;
  for (std::size_t i = 0; i < a.named.size(); ++i)
    if (a.named[i].name != b.named[i].name || !same(a.named[i].value, b.named[i].value)) return false;
  return true;
}

Expression random_tree(std::mt19937& engine, int depth) {
  static const char* const operators[] = {"or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/", "%"};
  auto pick = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  Expression e;
  int kind = depth == 0 ? pick(3) : pick(7);
  if (kind == 0) {
    e.number = pick(2) == 0 ? pick(1000) : static_cast<double>(engine()) / 977;
  } else if (kind == 1) {
    e.type = Expression::Type::name;
    e.text = std::string(1, static_cast<char>('a' + pick(26))) + "_" + std::to_string(pick(30));
  } else if (kind == 2) {
    e.type = Expression::Type::string;
    for (int i = pick(6); i > 0; --i) e.text += "a\"\\' \n\xC3\xA9"[pick(8)];
  } else if (kind == 3) {
    e.type = Expression::Type::call;
    e.text = "f";
    for (int i = pick(4); i > 0; --i) e.args.push_back(random_tree(engine, depth - 1));
    for (int i = 0, n = pick(3); i < n; ++i) {
      Expression value = random_tree(engine, 0);
      if (value.type == Expression::Type::name && (value.text == "or" || value.text == "and")) value.text = "x";
      e.named.emplace_back("n" + std::to_string(i), value);
    }
  } else if (kind == 4) {
    e.type = Expression::Type::unary;
    e.text = pick(2) == 0 ? "not" : "-";
    e.args.push_back(random_tree(engine, depth - 1));
  } else {
    e.type = Expression::Type::binary;
    e.text = operators[pick(13)];
    e.args.push_back(random_tree(engine, depth - 1));
    e.args.push_back(random_tree(engine, depth - 1));
  }
  return e;
}

TEST(ExpressionProperties, WhatIsPrintedIsReadBackAsTheSameTree) {
  std::mt19937 engine(1);
  for (int i = 0; i < 20'000; ++i) {
    Expression tree = random_tree(engine, 5);
    std::string text = tree.str();
    auto parsed = Expression::parse(text);
    ASSERT_TRUE(parsed.ok()) << text << "\n" << render(parsed.status(), false);
    ASSERT_TRUE(same(tree, *parsed)) << text << "\n" << parsed->str();
  }
}

TEST(ExpressionProperties, AnyBytesAreAnswered) {
  std::mt19937 engine(2);
  const std::string alphabet = "ab1.e+-*/%()<>=!\"'\\, \nnotandor\xC3\xA9\x01{}#";
  int good = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    for (unsigned n = engine() % 24; n > 0; --n) text += alphabet[engine() % alphabet.size()];
    auto parsed = Expression::parse(text);
    if (!parsed.ok()) {
      ASSERT_EQ(exit_code(parsed.status()), 2) << text;
      continue;
    }
    ++good;
    auto again = Expression::parse(parsed->str());
    ASSERT_TRUE(again.ok()) << text << " -> " << parsed->str();
    ASSERT_TRUE(same(*parsed, *again)) << text << " -> " << parsed->str();
  }
  EXPECT_GT(good, 1000);
}

}  // namespace
}  // namespace tapemill
