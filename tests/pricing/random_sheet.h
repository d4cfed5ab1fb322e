#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "fare/price_sheet.h"

namespace fare {

// Draws price sheets that use everything a sheet can hold.
class RandomSheets {
 public:
  explicit RandomSheets(std::uint64_t seed) : stream_(RandomKey(seed, 0, Purpose::kTest), 0) {}

  PriceCalendar calendar() {
    using std::chrono::days;
    const std::chrono::local_days first{days(20'000)};
    PriceCalendar calendar{"holidays", {"t", "w", "2026-01-01"}, first, first + days(400), {}};
    for (int day = 0; day < 400; day += 1 + below(90)) {
      calendar.holidays.push_back(first + days(day));
    }
    return calendar;
  }

  PriceSheet sheet(const std::string& provider) {
    PriceSheet sheet;
    sheet.provider = provider;
    for (int i = 0; i <= below(3); ++i) {
      sheet.sources["page" + std::to_string(i)] = {"Title \"x\" " + text(), text(), "2026-03-04"};
    }
    for (int i = 0; i < below(3); ++i) sheet.windows["w" + std::to_string(i)] = window();
    for (int i = 0; i <= below(4); ++i) sheet.models.push_back(model(sheet, i));
    return sheet;
  }

  int below(int bound) { return static_cast<int>(stream_.below(static_cast<unsigned>(bound))); }
  bool maybe() { return below(2) == 0; }

 private:
  std::string text() { return "é\\" + std::to_string(below(1'000)); }

  PriceWindow window() {
    PriceWindow window;
    window.zone = maybe() ? "UTC" : "Asia/Shanghai";
    window.weekdays = static_cast<std::uint8_t>(1 + below(127));
    int clock = 0;
    for (int i = 0; i <= below(3); ++i) {
      const int from = clock + below(200);
      clock = from + 1 + below(200);
      window.hours.emplace_back(std::chrono::minutes(from), std::chrono::minutes(clock));
    }
    if (maybe()) window.calendar = "holidays";
    return window;
  }

  Rate rate() { return Rate(maybe() ? below(100) : below(2'000'000'000)); }

  Rates rates(const std::vector<bool>& has) {
    Rates all;
    for (std::size_t i = 0; i < kMeterCount; ++i) {
      if (has[i]) all[i] = rate();
    }
    return all;
  }

  void fill(PriceCell& cell) {
    std::vector<bool> has(kMeterCount);
    for (std::size_t i = 0; i < kMeterCount; ++i) has[i] = below(3) == 0;
    has[0] = true;
    cell.bands = {{.input_over = Tokens(-1), .rates = rates(has)}};
    int over = 0;
    for (int i = 0; i < below(3); ++i) {
      over += 1 + below(300'000);
      if (maybe()) over = (over / 1'000 + 1) * 1'000 - 1;  // "From 200,000".
      PriceBand band{.input_over = Tokens(over), .rates = rates(has)};
      for (std::size_t meter = static_cast<std::size_t>(Meter::kRequest); meter < kMeterCount;
           ++meter) {
        band.rates[meter] = cell.bands[0].rates[meter];
      }
      cell.bands.push_back(band);
    }
  }

  PricePeriod row(const PriceSheet& sheet, Instant from) {
    PricePeriod row;
    row.from = from;
    row.known_from = maybe() ? from : from - std::chrono::hours(24 * below(30) + below(2));
    row.status = static_cast<PeriodStatus>(below(2));
    row.source = sheet.sources.begin()->first;
    row.observed = "2026-02-0" + std::to_string(1 + below(9));
    if (maybe()) row.note = text();
    row.cells.resize(1);
    fill(row.cells[0]);
    for (int i = 0; i < 3; ++i) {
      if (maybe()) continue;
      PriceCell cell;
      cell.tier = static_cast<ServiceTier>(i + 1);
      if (maybe()) cell.speed = SpeedMode::kFast;
      if (maybe()) cell.region = "eu";
      if (maybe() && !sheet.windows.empty()) cell.window = sheet.windows.begin()->first;
      fill(cell);
      row.cells.push_back(cell);
    }
    if (maybe()) row.multipliers.push_back({.region = "us", .numerator = 11, .denominator = 10});
    if (maybe()) {
      row.multipliers.push_back(
          {.tier = ServiceTier::kFlex, .region = {}, .numerator = 1, .denominator = 8});
    }
    return row;
  }

  SheetModel model(const PriceSheet& sheet, int number) {
    SheetModel model;
    model.id = "m" + std::to_string(number);
    const Instant start = Instant(std::chrono::hours(480'000));
    for (int i = 0; i < below(3); ++i) {
      ModelAlias alias{.id = model.id + "-" + std::to_string(i), .from = {}, .until = {}};
      if (maybe()) alias.from = start + std::chrono::hours(below(99));
      if (maybe()) alias.until = start + std::chrono::hours(100 + below(99));
      model.aliases.push_back(alias);
    }
    if (maybe()) model.capabilities = {"tools", "image_input"};
    model.context = Tokens(below(3) * 100'000);
    model.max_output = Tokens(below(3) * 10'000);
    model.min_cacheable = Tokens(below(3) * 512);
    if (maybe()) model.retired = start + std::chrono::hours(below(9'999));
    Instant from = start;
    for (int i = 0; i <= below(3); ++i) {
      model.periods.push_back(row(sheet, from));
      if (maybe()) model.periods.back().until = from + std::chrono::hours(10);
      from += std::chrono::hours(24 + below(9'999));
      if (below(4) == 0) {  // Withdrawn, and known to be so before the next row was.
        model.periods.back().status = PeriodStatus::kCorrected;
        model.periods.back().known_until =
            model.periods.back().known_from + std::chrono::hours(24 * (1 + below(9)));
      }
    }
    return model;
  }

  RandomStream stream_;
};

}  // namespace fare
