#include "choice/keywords.h"

#include "choice/code_points.h"
#include "fare/check.h"

namespace fare {
namespace {

struct FamilyWords {
  std::string_view name;
  std::string_view words;  // Separated by blanks; a "*" at the end makes a stem.
};

constexpr std::array<FamilyWords, kFamilies> kWords = {{
    {"proof",
     "prove* proof* theorem* lemma* corollary induction contradiction deriv* derive* axiom* "
     "equilibri* nash rigorous* formally undecidab* irrational* converge* converg* invariant* "
     "npcomplete np reduction puzzle* knights knaves logically deduce* "
     "demuestr* demostr* demuéstr* teorema* inducción derivación equilibrio deriva "
     "beweis* induktion widerspruch herleit* gleichgewicht* leite prouve* démontr* théorème* "
     "récurrence dérive* équilibre démonstration "
     "prova* prove demonstr* indução contradição equilíbrio deduza "
     "докаж* доказ* теорем* индукци* противореч* вывед* вывести равновеси* "
     "证明 推导 定理 归纳 反证 归约 均衡 博弈 逻辑 严格"},
    {"build",
     "design* architect* build* implement* develop* creat* pipeline* system* platform* scalab* "
     "distributed infrastructure* microservice* orchestrat* engine* framework* realtime "
     "fault* toleran* migrat* deploy* multi* architecture end production* ingestion gateway* "
     "diseñ* construy* arquitect* sistema* plataforma* desarrolla* implementa* escalab* "
     "entwirf* entwerf* entwickl* baue* implementier* verteilt* plattform* architektur "
     "conçois* concev* construi* plateforme* système* développ* implément* "
     "projete* desenvolv* constru* arquitetura distribuíd* "
     "спроект* разработ* реализу* постро* систем* платформ* архитектур* распредел* создай* "
     "设计 架构 构建 实现 系统 平台 分布式 开发 搭建 引擎 流水线 迁移 部署"},
    {"ask",
     "what who when where which whats who's how many much capital stand stands mean means called "
     "definition define* name qué que quién cuándo dónde cuál cuántos cuanto "
     "was wer wann wo welche wieviel viele quel quelle quels qui quand où combien quoi est qu "
     "quem onde qual quais quando quantos o é significa "
     "что кто когда где какой какая какие сколько такое "
     "什么 是什么 谁 哪 几 多少 定义 何时 哪个 哪里 意思"},
    {"explain",
     "explain* describe* why elaborate* clarif* understand* walk overview teach intuitiv* "
     "explica* explique describ* expliqu* erklär* beschreib* warum décri* pourquoi comment como "
     "cómo wie descreva porque объясн* опиши* почему как "
     "解释 说明 为什么 如何 怎么 描述 介绍 原理"},
    {"compare",
     "compar* versus vs difference* differ* pros cons tradeoff* better contrast* advantages "
     "disadvantages vergleich* unterschied* diferencia* diferença* différence* сравн* разниц* "
     "отлич* 比较 对比 区别 优缺点 差异"},
    {"summarise",
     "summar* tldr tl rewrite* rephrase* paraphrase* shorten* condense* edit proofread* improve* "
     "resum* reescrib* zusammenfass* fasse umschreib* résum* reformul* resuma reescreva кратко "
     "обобщ* перепиш* суммир* 总结 概括 改写 摘要 润色 extract* classif* categor* brainstorm* "
     "ideas suggest* 提取 分类 头脑风暴"},
    {"test",
     "debug* fix* bug* error* review* test* tests unit refactor* wrong issue* correct* check* "
     "vulnerab* optimiz* audit* failing crash* depur* revis* prueba* fehler* prüf* teste* débog* "
     "corrig* vérifi* depure ошибк* провер* отлад* исправ* тест* 调试 测试 审查 错误 检查 修复 "
     "bug 代码审查"},
    {"trivial",
     "hi hello hey thanks thank bye ok okay yes no cool please good morning translate* translation "
     "say spell hola gracias traduc* hallo danke übersetz* bonjour merci tradui* olá obrigad* "
     "traduz* привет спасибо перевед* перевод* 你好 谢谢 翻译 再见 好的 早上好"},
    {"code",
     "function* script* code* python javascript java rust regex* sql query* class method* snippet* "
     "program* typescript golang bash html css api endpoint* array* string* loop* variable* "
     "compile* función código programa* funktion* skript* schreibe fonction* écri* função escreva "
     "escribe функци* скрипт* код* напиши* 函数 代码 脚本 编写 写一个 程序 正则"},
    {"math",
     "equation* integral* matrix* matrices algebra* polynomial* calculate* compute* solve* sum "
     "probabilit* number* triangle* integer* prime* vector* calculus group* ring* field* subgroup* "
     "homomorphism* modulo factorial graph* function* derivative* percent* multiply* divide* "
     "geometry average median deviation regression variance ecuaci* matriz calcul* resuelv* "
     "gleichung* berechn* équation* uravn* уравнен* вычисл* матриц* 方程 矩阵 计算 概率 积分 求解"},
    {"creative",
     "story* poem* haiku lyrics song* joke* fiction* novel slogan* tagline* creative* imagine* "
     "essay* blog* letter* cuento poema geschichte gedicht histoire poème história conto рассказ "
     "стих* 故事 诗 小说 创意 文案"},
    {"steps",
     "step* first second then finally next after include* including handle* handling support* "
     "ensure* requirement* constraint* using use must should also incluy* usando paso* schritt* "
     "einschließlich mit étape* inclu* avec inclua com usa включ* шаг* используй* учит* с "
     "包括 步骤 支持 处理 使用 要求 以及 包含"},
    {"law",
     "law* legal* court* plaintiff* defendant* contract* statute* liab* negligen* tort* crime* "
     "criminal* constitution* amendment* jury judge* jurisdict* attorney* evidence* testimony "
     "sued sue convict* guilty property deed landlord* lease* murder* larceny trial* treaty* "
     "sovereign* defamation damages hearsay admissible custody"},
    {"medicine",
     "patient* disease* clinical* symptom* diagnos* treatment* therap* drug* medic* cancer* blood "
     "infect* virus* viral nerve* muscle* artery surgery surgical doctor* physician* nurs* pain "
     "syndrome* hormone* enzyme* gene* genetic* cell* protein* dna rna tissue* bone* anatom* lung* "
     "heart* kidney* brain* health* vaccin* mg fever"},
    {"computing",
     "computer* algorithm* memory processor* cpu network* protocol* database* software* hardware "
     "encrypt* decrypt* security attack* server* client* thread* process* cache* compiler* binary "
     "bit bits byte* machine learning neural* classifier* training hash* stack* queue* pointer* "
     "tcp ip packet* buffer* overflow* complexity"},
    {"science",
     "energy* force* mass* velocity* acceler* electron* atom* molecul* chemical* reaction* acid* "
     "temperature* pressure* gas* liquid* light* wave* particle* quantum* orbit* planet* star* "
     "sun moon galaxy telescope* species* evolution* organism* plant* water soil* rock* earth "
     "magnet* electric* current* voltage circuit* resist* ion* oxid* bond* mole moles kinetic"},
    {"humanities",
     "history* historical war* empire* revolution* century* king* queen* emperor* ancient* roman* "
     "religio* god* church* philosoph* argument* culture* society* social* politic* government* "
     "president* democra* state states citizen* colony coloni* passage author* according kant "
     "plato aristotle buddh* islam* christian* hindu* jew* women slave* treaty art literature "
     "maya* archaeolog* hominid* neolithic"},
    {"business",
     "market* price* demand* supply* econom* inflation* firm* firms monopol* tax* bank* invest* "
     "interest* profit* revenue* cost* costs account* audit asset* assets stock* financ* budget* "
     "customer* management manager* employee* strategy* brand* advertis* consumer* gdp trade* "
     "public relations corporate stakeholder*"},
    {"ethics",
     "moral* ethic* immoral* wrong* right* ought duty duties virtue* harm* abortion* euthanasia "
     "utilitarian* scenario* character* judged ordinary standards us utility*"},
    {"negation",
     "not except never neither nor false incorrect least without none cannot isn't doesn't no "
     "nicht kein* pas aucun não nunca не нет ни 不 没有 除了"},
}};

}  // namespace

std::string_view family_name(std::size_t family) { return kWords[family].name; }

Keywords::Keywords() : slots_((std::size_t{1} << kBits) + 64) {
  for (std::size_t family = 0; family < kFamilies; ++family) {
    std::string_view rest = kWords[family].words;
    while (!rest.empty()) {
      const std::size_t end = rest.find(' ');
      if (end != 0) add(rest.substr(0, end), 1u << family);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
}

void Keywords::add(std::string_view word, std::uint32_t family) {
  bool stem = word.ends_with('*');
  if (stem) word.remove_suffix(1);
  std::uint64_t hash = 0;
  for (std::size_t at = 0; at < word.size();) {
    const CodePoint point = decode(word, at);
    hash = extend_hash(hash, point.value);
    // Ideographs stand in a row without blanks between words.
    stem = stem || point.kind == CharacterKind::kIdeograph;
    at += point.length;
  }
  const std::uint64_t mark = hash >> (64 - kMarkBits);
  marks_[mark / 64] |= std::uint64_t{1} << (mark % 64);
  std::size_t slot = hash >> (64 - kBits);
  while (slots_[slot].hash != 0 && slots_[slot].hash != hash) ++slot;
  FARE_CHECK(slot + 1 < slots_.size());
  slots_[slot].hash = hash;
  slots_[slot].whole |= family;
  if (stem) slots_[slot].stem |= family;
}

const Keywords& keywords() {
  static const Keywords table;
  return table;
}

}  // namespace fare
